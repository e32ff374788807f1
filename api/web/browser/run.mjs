// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Drives the review page in Chromium, as browser_test.go asks: the setting is on standard
// input as JSON, and a line of JSON for each step goes to standard output.

import { readFileSync } from "node:fs";
import { Setting } from "./setting.mjs";

const setting = await Setting.open(JSON.parse(readFileSync(0, "utf8")));
let failed = false;
for (const file of setting.scenarios) {
  const { steps, stepsOf } = await import(`./${file}`);
  for (const [name, does] of Object.entries(steps ?? stepsOf(setting))) {
    const began = performance.now();
    let error = "";
    try {
      await does(setting);
      const wrong = setting.complaints();
      if (wrong.length > 0) throw new Error(wrong.join("\n"));
    } catch (e) {
      failed = true;
      error = e.stack ?? String(e);
      await setting.picture(`failed-${name.replaceAll(/\W+/g, "-")}`).catch(() => {});
    }
    console.log(JSON.stringify({ step: name, error, seconds: (performance.now() - began) / 1000, notes: setting.takeNotes() }));
  }
}
await setting.close();
process.exitCode = failed ? 1 : 0;
