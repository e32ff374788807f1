// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

import { words } from "./i18n";
import { keyGroups } from "./keys";
import { Dialog } from "./ui";

const t = words({ title: "Keys" }, { title: "Toetsen" });

const written: Record<string, string> = {
  ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→", Escape: "Esc", " ": "Space", PageUp: "PgUp", PageDown: "PgDn",
};

/** The sheet of the keys that the view takes. */
export function Help({ open, close }: { open: boolean; close: () => void }) {
  return (
    <Dialog open={open} close={close} title={t("title")} wide>
      <div class="keys">
        {keyGroups().map((group) => (
          <section key={group.title}>
            <h3>{group.title}</h3>
            <dl>
              {group.keys.map((key) => (
                <div key={key.key + key.label}>
                  <dt>{parts(key.key).map((part) => <kbd key={part}>{written[part] ?? part}</kbd>)}</dt>
                  <dd>{key.label}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}

/** A key's modifiers and the key. */
function parts(key: string): string[] {
  return key.length > 1 ? key.split("+").map((p) => p || "+") : [key];
}
