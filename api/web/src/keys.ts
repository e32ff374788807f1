// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// What keys do. Each view says which keys it takes while it is shown, and the help
// sheet lists them all:
//
//   useKeys("Images", [{ key: "ArrowUp", label: "next slice", run: () => … }]);

import { useEffect, useRef } from "preact/hooks";

export interface Key {
  /** As KeyboardEvent.key names it, with "Shift+", "Ctrl+" or "Alt+" before it; a letter is written small. */
  key: string;
  /** What it does, in the reader's language. */
  label: string;
  /** Does it; absent where what has the focus takes the key by itself. */
  run?: (event: KeyboardEvent) => void;
}

export interface KeyGroup {
  title: string;
  keys: Key[];
}

const groups: { current: KeyGroup }[] = [];

/** Takes keys while the calling component is shown; those registered last come first. */
export function useKeys(title: string, keys: Key[]) {
  const group = useRef<KeyGroup>({ title, keys });
  group.current = { title, keys };
  useEffect(() => {
    groups.push(group);
    return () => {
      groups.splice(groups.indexOf(group), 1);
    };
  }, []);
}

/** The keys that are taken now. */
export function keyGroups(): KeyGroup[] {
  return groups.map((g) => g.current).filter((g) => g.keys.length > 0);
}

/** A key with its modifiers, as Key.key writes it. Shift is not named where it makes another character. */
export function nameOf(event: KeyboardEvent): string {
  const printable = event.key.length === 1;
  const letter = printable && event.key.toLowerCase() !== event.key.toUpperCase();
  const shift = event.shiftKey && (!printable || letter);
  return (
    (event.ctrlKey || event.metaKey ? "Ctrl+" : "") +
    (event.altKey ? "Alt+" : "") +
    (shift ? "Shift+" : "") +
    (letter ? event.key.toLowerCase() : event.key)
  );
}

/** Whether an element takes what is typed. */
function takesText(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true;
  return target instanceof HTMLInputElement && !["checkbox", "radio", "button", "range"].includes(target.type);
}

/** Does what a key is for. */
export function handle(event: KeyboardEvent) {
  if (event.defaultPrevented || takesText(event.target) || document.querySelector("dialog[open]")) return;
  const pressed = nameOf(event);
  for (const group of groups.toReversed()) {
    const found = group.current.keys.find((k) => k.key === pressed && k.run);
    if (found) {
      event.preventDefault();
      found.run!(event);
      return;
    }
  }
}
