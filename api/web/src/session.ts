// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Who reads: the token that they entered, and what they may do.
//
// The token is kept for the tab alone, in sessionStorage, and shown in the header
// Authorization. A cookie would be sent by itself, also with requests that another site
// makes the browser send; this is not. What runs in the page could read it, and the
// Content-Security-Policy lets nothing run but the page's own script.

import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Caller, CallerRole } from "./messages";

const kept = "endplate.token";

export function token(): string {
  return sessionStorage.getItem(kept) ?? "";
}

export function setToken(value: string) {
  if (value === "") sessionStorage.removeItem(kept);
  else sessionStorage.setItem(kept, value);
}

export const CallerContext = createContext<Caller>({});

export function useCaller(): Caller {
  return useContext(CallerContext);
}

/** Whether the reader has a role; what they have not is refused by the server too. */
export function useMay(role: CallerRole): boolean {
  return useCaller().roles?.includes(role) ?? false;
}
