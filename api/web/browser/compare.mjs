// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// The comparison of an examination before treatment with one after it.

import { readFileSync } from "node:fs";
import { inDutch, must, until } from "./setting.mjs";

/** What the page shows of the restored height of a level, percent. */
export async function restored(page, level) {
  const cells = page.locator(`tr[data-level="${level}"] .restored`);
  await cells.first().waitFor();
  return (await cells.allInnerTexts()).map((text) => text.replace(/ % restored$/, ""));
}

/** What endplate compare tells of it. */
export function restoredBy(told, level) {
  const v = told.comparisons[0].vertebrae.find((one) => one.level === level);
  return ["anterior", "middle", "posterior"]
    .filter((which) => v[`${which}_height_mm`].significant && v[`${which}_restored`].percent !== undefined)
    .map((which) => v[`${which}_restored`])
    .map((r) => `${r.percent.toFixed(0)} ± ${r.sd_percent.toFixed(0)}`);
}

export const steps = {
  "a folder that is dropped on the list is uploaded and measured": async (s) => {
    const { page } = s;
    await s.go("/");
    await page.locator("tbody tr").waitFor();
    const client = await s.context.newCDPSession(page);
    const data = { items: [], files: [s.folders.after], dragOperationsMask: 1 };
    for (const type of ["dragEnter", "dragOver", "drop"]) await client.send("Input.dispatchDragEvent", { type, x: 600, y: 500, data });
    await page.getByText(/\d+ images stored/).waitFor();
    await page.keyboard.press("Escape");
    await page.locator("tbody tr").nth(1).waitFor();
  },

  "the list is sorted by a column, the worst finding first": async (s) => {
    const { page } = s;
    const losses = () => page.locator("tbody tr").evaluateAll((rows) => rows.map((r) => Number(/−(\d+) %/.exec(r.textContent)?.[1] ?? 0)));
    await until(async () => (await losses()).every((loss) => loss > 0), "the second study was not measured");
    const sortedBy = async (column, way, holds) => {
      await page.getByRole("button", { name: column, exact: true }).click();
      await page.locator(`th[aria-sort="${way}"]`, { hasText: column }).waitFor();
      await until(async () => holds(await losses()), `sorted by ${column}, ${way}`);
    };
    await sortedBy("Worst finding", "descending", ([first, second]) => first > second);
    await s.accessible("worklist sorted");
    await sortedBy("Worst finding", "ascending", ([first, second]) => first < second);
    for (const column of ["Date", "Patient", "Modality", "State", "Review"]) {
      await page.getByRole("button", { name: column, exact: true }).click();
      await page.locator("th[aria-sort]", { hasText: column }).waitFor();
    }
    await page.getByLabel("Order").selectOption("WORST");
    await page.locator('th[aria-sort="descending"]', { hasText: "Worst finding" }).waitFor();
    await s.picture("sorted");
    await page.getByLabel("Order").selectOption("RECEIVED");
    must((await page.locator("th[aria-sort]").count()) === 0, "a column is said to be what the list is sorted by");
  },

  "two examinations are chosen and compared": async (s) => {
    const { page } = s;
    await page.locator('tbody tr input[type="checkbox"]:enabled').nth(1).waitFor();
    for (const box of await page.getByRole("checkbox").all()) await box.check();
    await page.getByRole("button", { name: /Compare/ }).click();
    await page.waitForURL(/\/comparisons\/\w+$/);
    await page.locator(".pictures svg image").nth(1).waitFor();
    s.comparison = page.url();
    await s.accessible("comparison");
    await s.picture("comparison");
  },

  "the restoration shown is that of endplate compare": async (s) => {
    const shown = await restored(s.page, "L1");
    const told = JSON.parse(s.endplate("compare", s.folders.before, s.folders.after, "--format", "json"));
    const want = restoredBy(told, "L1");
    must(want.length > 0 && JSON.stringify(shown) === JSON.stringify(want), `shown ${shown}, endplate compare says ${want}`);
  },

  "the comparison is told in Dutch, with the same figures": (s) => inDutch(s, "comparison", ".findings li > span"),

  "the pictures are scrolled together, slid and blinked": async (s) => {
    const { page } = s;
    const sources = () => page.locator(".pictures svg image").evaluateAll((all) => all.map((i) => i.getAttribute("href")));
    const before = await sources();
    must(before.length === 2, `${before.length} pictures`);
    await page.locator(".pictures .row").hover();
    await page.mouse.wheel(0, 100);
    await page.waitForFunction((old) => [...document.querySelectorAll(".pictures svg image")].every((i, n) => i.getAttribute("href") !== old[n]), before);
    must((await page.locator(".pictures output").innerText()) === "1", "the plane is not 1 mm to the left");
    await page.getByRole("button", { name: "slider" }).click();
    await page.getByLabel("Boundary between before and after").fill("25");
    const box = await page.locator(".pictures clipPath rect").evaluate((r) => [r.x.baseVal.value, r.ownerSVGElement.viewBox.baseVal.width]);
    must(Math.abs(box[0] / box[1] - 0.25) < 0.01, `the boundary is at ${box}`);
    await s.accessible("comparison, slider");
    await page.getByLabel("The level alone").check();
    const [x, , width] = await page.locator(".pictures svg").evaluate((v) => v.getAttribute("viewBox").split(" ").map(Number));
    must(x > 0 && width < 0.7 * box[1], `the level alone is ${width} of ${box[1]} pixels wide`);
    await page.getByRole("button", { name: "blink" }).click();
    const caption = page.locator(".pictures figcaption");
    await page.keyboard.press("b");
    const first = await caption.innerText();
    await page.keyboard.press("b");
    must(first !== (await caption.innerText()), "the other examination is not shown");
    await s.accessible("comparison, blink");
  },

  "a level is chosen, its link holds it, and documents are saved": async (s) => {
    const { page } = s;
    await page.getByRole("button", { name: "T12", exact: true }).click();
    await page.waitForURL(/#T12$/);
    await page.reload();
    await page.locator('tr[data-level="T12"][aria-selected="true"]').waitFor();
    for (const [name, holds] of [["CSV", "level"], ["HTML", "<html"]]) {
      const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name, exact: true }).click()]);
      const stream = await download.createReadStream();
      let text = "";
      for await (const part of stream) text += part;
      must(text.includes(holds), `${name} holds ${text.slice(0, 80)}`);
    }
  },

  "a result is saved, and links to a vertebra and to comparisons are there": async (s) => {
    const { page } = s;
    await page.locator(".pictures .row").waitFor();
    await page.getByRole("button", { name: "side by side" }).click();
    await page.locator(".pictures figcaption a").first().click();
    await page.waitForURL(new RegExp(`/studies/[\\d.]+/analyses/${s.before.analysis_id}#T12$`));
    await page.getByRole("button", { name: "Save and send" }).click();
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "CSV", exact: true }).click()]);
    const stream = await download.createReadStream();
    let text = "";
    for await (const part of stream) text += part;
    must(text.includes(",L1,"), `the table holds ${text.slice(0, 80)}`);
    const [report] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "DICOM SR" }).click()]);
    must(readFileSync(await report.path()).subarray(128, 132).toString("latin1") === "DICM", "the structured report is no DICOM file");
    await page.getByRole("dialog").getByText("archive").first().waitFor();
    await s.accessible("the ways out");
    await s.context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByRole("button", { name: "Copy the link to T12" }).click();
    await page.getByText("Copied.").waitFor();
    const link = await page.evaluate(() => navigator.clipboard.readText());
    must(link === page.url(), `the link is ${link}, the page at ${page.url()}`);
    must((await page.getByRole("dialog").getByRole("link").count()) === 1, "the comparison is not linked to");
    await page.keyboard.press("Escape");
  },

  "a tablet shows it too": async (s) => {
    const { page } = s;
    await page.setViewportSize({ width: 820, height: 1180 });
    const study = `/studies/${s.before.study_instance_uid}/analyses/${s.before.analysis_id}`;
    for (const path of ["/", new URL(s.comparison).pathname, study]) {
      await s.go(path);
      await page.locator("table").first().waitFor();
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      must(wide <= 0, `${path} is ${wide} pixels wider than a tablet`);
    }
    await page.setViewportSize({ width: 1280, height: 800 });
  },
};
