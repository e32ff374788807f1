// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";

// What the browser gives the page.
Object.assign(globalThis, {
  localStorage: { getItem: () => null, setItem: () => {} },
  document: { documentElement: {} },
  navigator: { language: "en" },
});
const { setLanguage } = await import("../src/i18n");
const { learn, say, told } = await import("../src/say");

const sentence = "L1: no certain deformity, anterior height -3 ± 1 % below that expected from T12 and L2";
learn({
  [sentence]: {
    template: "%s, %s height %.0f ± %.0f %% below that expected from %s",
    values: [
      { phrase: { template: "%s: no certain deformity", values: [{ name: "L1" }] } },
      { phrase: { template: "anterior" } },
      { number: "-3" },
      { number: "1" },
      { phrase: { template: "%s and %s", values: [{ name: "T12" }, { name: "L2" }] } },
    ],
  },
  "slices are sheared by 12.5°": { template: "slices are sheared by %.1f°", values: [{ number: "12.5" }] },
  "L1: streaks, 3.5": { template: "%s: %s", values: [{ name: "L1" }, { name: "streaks, 3.5" }] },
  "of another release: 2.5 mm": { template: "of another release: %.1f mm", values: [{ number: "2.5" }] },
});

test("a sentence is told of its template and values", () => {
  setLanguage("nl");
  assert.equal(say(sentence), "L1: geen zekere deformatie, anterieure hoogte −3 ± 1 % lager dan verwacht op grond van T12 en L2");
  assert.equal(say("slices are sheared by 12.5°"), "de coupes zijn 12,5° afgeschoven");
  assert.equal(say("no vertebral canal found"), "geen wervelkanaal gevonden");
});

test("what a reader wrote stays as it was written", () => {
  setLanguage("nl");
  assert.equal(say("L1: streaks, 3.5"), "L1: streaks, 3.5");
});

test("English is the server's own sentence", () => {
  setLanguage("en");
  assert.equal(say(sentence), sentence);
});

test("what has no translation stays English and says so", () => {
  setLanguage("nl");
  for (const text of ["of another release: 2.5 mm", "an old sentence"]) assert.deepEqual(told(text), { text, lang: "en" });
  assert.deepEqual(told(undefined), { text: "", lang: undefined });
});
