// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Revisions as they were: opened, linked to, set side by side, exported.

import { must, until } from "./setting.mjs";
import { view } from "./study.mjs";

const study = (s) => `/studies/${s.before.study_instance_uid}/analyses/${s.before.analysis_id}`;

/** A revision, as another client gets it. */
async function revision(s, number) {
  const { body } = await s.call(s.tokens.read, "GET", `/v1/analyses/${s.before.analysis_id}?revision=${number}`);
  const [analysis] = body.analysis.report.analyses;
  return { run: body.analysis, analysis, at: (level) => analysis.vertebrae.find((v) => v.level === level) };
}

/** What the table shows of one height, mm. */
const height = (page, level, which) => page.locator(`tr[data-row="${level}"] [data-height="${which}"]`).evaluate((cell) => Number(cell.dataset.mm));

/** What a download holds. */
export async function downloaded(page, button) {
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: button, exact: true }).click()]);
  const parts = [];
  for await (const part of await download.createReadStream()) parts.push(part);
  return { name: download.suggestedFilename(), content: Buffer.concat(parts) };
}

export const steps = {
  "an old revision is opened: its table, picture and findings are as they were": async (s) => {
    const { page } = s;
    await s.go(`${study(s)}#L2`);
    await page.locator('tr[data-row="L2"]').waitFor();
    const newest = (await revision(s, 0)).run.latest_revision;
    await page.getByRole("tab", { name: "History" }).click();
    await page.getByRole("link", { name: "Open: Automatic result" }).click();
    await page.waitForURL(/\/revisions\/0(#L2)?$/);
    await page.getByText(`This is the automatic result as it was, before ${newest} revisions.`).waitFor();
    const { at, analysis } = await revision(s, 0);
    await page.locator('tr[data-row="L1"]').waitFor(); // as it was called then
    const rows = await page.locator("tr[data-row]").evaluateAll((all) => all.map((r) => r.dataset.row));
    must(JSON.stringify(rows) === JSON.stringify(analysis.vertebrae.map((v) => v.level)), `the rows are ${rows}`);
    for (const which of ["anterior", "middle", "posterior"]) {
      must((await height(page, "L1", which)) === at("L1").heights[`${which}_mm`], `${which} height of L1 is not that of revision 0`);
    }
    await page.locator('tr[data-row="L1"] button.level').click();
    await page.waitForURL(/\/revisions\/0#L1$/);
    await view(page, "SAGITTAL").locator("canvas[data-at]").waitFor();
    await view(page, "SAGITTAL").locator('[data-level="L1"].chosen circle.point').first().waitFor();
    must((await view(page, "SAGITTAL").locator(".point.set").count()) === 0, "a reader's point is drawn over the automatic result");
    await view(page, "SAGITTAL").locator(".outline.body").first().waitFor({ state: "attached" });
    await page.getByRole("tab", { name: /Findings/ }).click();
    must((await page.getByText("because: an old Scheuermann vertebra").count()) === 0, "a later verdict is shown");
    await page.getByRole("tab", { name: "Profile" }).click();
    await page.locator(".profile .level.chosen").first().waitFor();
    await page.getByRole("tab", { name: "Vertebrae" }).click();
    await s.accessible("an old revision");
    await s.picture("revision");
  },

  "nothing of an old revision can be changed, and what is not saved of the newest stays": async (s) => {
    const { page } = s;
    await page.getByRole("link", { name: /To the newest revision/ }).click();
    await page.waitForURL(/\/analyses\/\w+#L1$/);
    await page.getByRole("tab", { name: "Vertebrae" }).waitFor();
    await page.locator('tr[data-row="T11"] button.level').click();
    await page.keyboard.press("f"); // its name is right
    await page.getByText("1 not saved").waitFor();
    await page.getByRole("tab", { name: "History" }).click();
    await page.getByRole("link", { name: "Open: Revision 1" }).click();
    await page.getByText(/This is revision 1 of \d+ as it was saved/).waitFor();
    for (const name of ["Save…", "Accept…", "Rename…", "Remove…", "Undo", "Add a vertebra…"]) {
      must((await page.getByRole("button", { name }).count()) === 0, `${name} is offered`);
    }
    must((await page.locator(".grip").count()) === 0, "points can be taken hold of");
    await view(page, "SAGITTAL").focus();
    for (const key of ["r", "m", "a", "Control+s"]) await page.keyboard.press(key);
    must((await page.getByRole("dialog").count()) === 0, "a key opens what may not be");
    await page.goBack();
    await page.getByText("1 not saved").waitFor();
    await page.getByRole("button", { name: "Undo" }).click();
    await s.go(`${study(s)}/revisions/1#L2`); // as a link to it does
    await page.getByText(/This is revision 1 of \d+/).waitFor();
    await page.locator('tr[data-row="L2"][aria-selected="true"]').waitFor();
  },

  "an old revision is exported and linked to as it was": async (s) => {
    const { page } = s;
    await page.getByRole("button", { name: "Save and send" }).click();
    const { at } = await revision(s, 1);
    const csv = (await downloaded(page, "CSV")).content.toString();
    const [head, ...rows] = csv.trim().split("\n").map((line) => line.split(","));
    const row = rows.find((cells) => cells[head.indexOf("level")] === "T12");
    must(Math.abs(Number(row[head.indexOf("heights_anterior_mm")]) - at("T12").heights.anterior_mm) < 0.01, "the CSV is not of revision 1, in which T12 was measured");
    const pdf = await downloaded(page, "PDF");
    must(/-1\.pdf$/.test(pdf.name) && pdf.content.subarray(0, 5).toString() === "%PDF-" && pdf.content.length > 10_000, `${pdf.name} holds ${pdf.content.length} bytes`);
    must((await downloaded(page, "HTML")).content.toString().includes("moved and renamed"), "the page does not tell of revision 1");
    await s.context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByRole("button", { name: "Copy the link to revision 1" }).click();
    await page.getByText("Copied.").waitFor();
    const link = await page.evaluate(() => navigator.clipboard.readText());
    must(link === `${s.base}${study(s)}/revisions/1`, `the link is ${link}`);
    await s.accessible("the way out of an old revision");
    await page.keyboard.press("Escape");
  },

  "two revisions stand side by side, what differs is marked, and who changed it": async (s) => {
    const { page } = s;
    await page.getByRole("tab", { name: "History" }).click();
    await page.getByRole("button", { name: "Compare revisions…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("What was changed from Automatic result to Revision 1").waitFor();
    await dialog.getByText(/administer reader, \d{4}-/).first().waitFor();
    await dialog.getByText("L1 is now L2, the others follow").waitFor();
    const cells = dialog.locator('tr[data-beside="L2"] td');
    await cells.first().waitFor();
    const texts = (await cells.allInnerTexts()).map((text) => text.replace(/[●\s]*(\(differs\))?\s*$/, "").trim());
    const [before, after] = [(await revision(s, 0)).at("L1"), (await revision(s, 1)).at("L2")];
    const shown = (v) => `${v.heights.anterior_mm.toFixed(1)} ± ${v.heights.anterior_sd_mm.toFixed(1)}`;
    must(texts[0] === "L1" && texts[7] === "L2", `the names are ${texts[0]} and ${texts[7]}`);
    must(texts[1] === shown(before) && texts[8] === shown(after), `the heights are ${texts[1]} and ${texts[8]}, want ${shown(before)} and ${shown(after)}`);
    const marked = await cells.evaluateAll((all) => all.map((c) => c.classList.contains("changed")));
    must(marked[7] && marked[8] && marked.slice(0, 7).every((m) => !m), `marked are ${marked}`);
    await dialog.getByText("an old Scheuermann vertebra").last().waitFor(); // among the findings
    await s.accessible("revisions side by side");
    await s.picture("beside");
    await dialog.getByLabel("Left").selectOption("1");
    await dialog.getByText("These are the same revision.").waitFor();
    await dialog.getByText("No number, name or finding differs.").waitFor();
    await dialog.getByLabel("Also what does not differ").check();
    await dialog.locator("tr[data-beside]").nth(4).waitFor();
    await page.keyboard.press("Escape");
  },

  "a revision that is not there is said not to be": async (s) => {
    const { page } = s;
    await s.go(`${study(s)}/revisions/999`);
    await page.getByRole("alert").getByText(/It is not there/).waitFor();
    await until(async () => s.complaints().every((c) => /404/.test(c)), "more than that was wrong");
    await s.go(`${study(s)}/revisions/x`);
    await page.getByText("There is nothing at this address.").waitFor();
  },
};
