// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

declare module "*.css";
