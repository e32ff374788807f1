// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Dark or light: as the system is set, or as the reader chose.

export type Theme = "system" | "dark" | "light";

const kept = "endplate.theme";

export function theme(): Theme {
  const chosen = localStorage.getItem(kept);
  return chosen === "dark" || chosen === "light" ? chosen : "system";
}

export function setTheme(chosen: Theme) {
  localStorage.setItem(kept, chosen);
  applyTheme();
}

/** Shows the page as chosen. The style sheet does the rest. */
export function applyTheme() {
  const chosen = theme();
  if (chosen === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = chosen;
}
