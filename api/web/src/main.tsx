// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

import { render } from "preact";
import { App } from "./app";
import { language } from "./i18n";
import "./theme.css";
import { applyTheme } from "./theme";

document.documentElement.lang = language();
applyTheme();
render(<App />, document.getElementById("app")!);
