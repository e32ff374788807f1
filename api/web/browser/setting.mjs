// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// What steps work with: a browser, pages of readers, the interface beside the page, and
// checks that hold for every page.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// WCAG 2.2, levels A and AA.
const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

// How long a page may take for what takes it a moment where nothing else is at work, ms.
const patience = 60_000;

export class Setting {
  #wrong = [];
  #notes = [];

  static async open(told) {
    const s = Object.assign(new Setting(), told);
    s.profile = mkdtempSync(join(tmpdir(), "endplate-browser-"));
    s.context = await chromium.launchPersistentContext(s.profile, {
      executablePath: s.chromium,
      headless: true,
      viewport: { width: 1280, height: 800 },
      colorScheme: "light",
      locale: "en-GB",
      acceptDownloads: true,
      args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync"],
    });
    s.page = s.context.pages()[0] ?? (await s.context.newPage());
    s.watch(s.page);
    return s;
  }

  /** Collects what no page may do: break its policy, throw, or ask another server. */
  watch(page) {
    page.setDefaultTimeout(patience);
    page.on("pageerror", (e) => this.#wrong.push(`page error: ${e.stack}`));
    page.on("console", (m) => {
      // An answer of 401 or 403 is one that a step asked for; the console tells of it too.
      if (m.type() === "error" && !/status of 40[139]/.test(m.text())) this.#wrong.push(`console: ${m.text()}`);
    });
    page.on("request", (r) => {
      const url = new URL(r.url());
      if (url.origin !== this.base && url.protocol !== "blob:" && url.protocol !== "data:") this.#wrong.push(`request to ${url}`);
    });
  }

  /** What went wrong since it was last asked. */
  complaints() {
    return this.#wrong.splice(0);
  }

  /** Has the test log something. */
  note(text) {
    this.#notes.push(text);
  }

  takeNotes() {
    return this.#notes.splice(0);
  }

  /** Opens a view. */
  async go(path) {
    await this.page.goto(this.base + path);
  }

  /** Shows the page with a token; none signs out. */
  async signIn(token) {
    await this.go("/");
    await this.page.evaluate((t) => (t ? sessionStorage.setItem("endplate.token", t) : sessionStorage.clear()), token);
    await this.go("/");
  }

  /** Calls the REST interface as another client would. */
  async call(token, method, path, body) {
    const response = await fetch(this.base + path, {
      method,
      headers: token ? { Authorization: `Bearer ${token}` } : {},
      body: body && JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, body: text.startsWith("{") ? JSON.parse(text.split("\n")[0]) : text };
  }

  /** Runs the program and returns what it prints. */
  endplate(...args) {
    return execFileSync(this.program, args, { encoding: "utf8", maxBuffer: 64 << 20, stdio: ["ignore", "pipe", "ignore"] });
  }

  /** Fails if axe-core finds a violation on the view; in the dark, where colours alone differ, of contrast. */
  async accessible(view) {
    await this.page.evaluate(axe);
    for (const [colorScheme, runOnly] of [["light", { type: "tag", values: rules }], ["dark", { type: "rule", values: ["color-contrast"] }]]) {
      await this.page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      const { violations } = await this.page.evaluate((runOnly) => globalThis.axe.run(document, { runOnly, resultTypes: ["violations"] }), runOnly);
      if (violations.length > 0) {
        const told = violations.map((v) => `${v.id}: ${v.help}\n${v.nodes.map((n) => `    ${n.html} ${n.failureSummary}`).join("\n")}`);
        throw new Error(`${view} in ${colorScheme}: ${told.join("\n")}`);
      }
    }
    await this.page.emulateMedia({ colorScheme: "light", reducedMotion: null });
  }

  /** Keeps a picture of the page where the test was told to. */
  async picture(name) {
    if (!this.pictures) return;
    mkdirSync(this.pictures, { recursive: true });
    await this.page.screenshot({ path: join(this.pictures, `${name}.png`) });
  }

  async close() {
    await this.context.close();
    rmSync(this.profile, { recursive: true, force: true });
  }
}

/** The figures in texts, as English writes them. */
export const figures = (texts) => texts.flatMap((t) => t.replaceAll(",", ".").replaceAll("−", "-").match(/-?\d+(\.\d+)?/g) ?? []).toSorted();

/** Has what a view says told in Dutch: nothing stays English, and the figures are the same. */
export async function inDutch(s, view, sentences) {
  const { page } = s;
  const said = async () => {
    await page.locator(sentences).first().waitFor();
    return page.locator(sentences).allInnerTexts();
  };
  const language = page.locator("header.bar select").first();
  const english = await said();
  await language.selectOption("nl");
  try {
    await page.locator('html[lang="nl"]').waitFor();
    const dutch = await said();
    const left = await page.locator('main [lang="en"]').allInnerTexts();
    must(left.length === 0, `${view}: in English: ${left.join(" | ")}`);
    must(english.length === dutch.length && english.every((e, i) => e !== dutch[i]), `${view}: not told in Dutch: ${dutch.filter((d) => english.includes(d)).join(" | ")}`);
    const [a, b] = [figures(english), figures(dutch)];
    must(a.length > 0 && JSON.stringify(a) === JSON.stringify(b), `${view}: the figures are ${b}, in English ${a}`);
    await s.accessible(`${view} in Dutch`);
    await s.picture(`${view}-nl`);
  } finally {
    await language.selectOption("en");
  }
}

/** Waits until a condition holds, and fails if it never does. */
export async function until(holds, text) {
  for (const end = performance.now() + patience; !(await holds()); await new Promise((r) => setTimeout(r, 50))) {
    must(performance.now() < end, typeof text === "function" ? text() : text);
  }
}

/** Fails unless a condition holds. */
export function must(condition, text) {
  if (!condition) throw new Error(text);
}
