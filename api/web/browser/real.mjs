// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// The whole way on the CT of a patient, in which one vertebra was fractured and treated
// by a deformation of space: sent, compared, looked at, corrected, accepted.

import { restored, restoredBy } from "./compare.mjs";
import { must, until } from "./setting.mjs";
import { apart, changed, grip, height, middle, numbers, structuredReport, view } from "./study.mjs";

/** Levels, of which the series begins with one. */
const names = ["T9", "T10", "T11", "T12", "L1", "L2"];

const analyses = async (s) => (await s.call(s.tokens.read, "GET", "/v1/analyses?page_size=500")).body.analyses ?? [];

/** An analysis with the result of its newest revision. */
const result = async (s, run) => (await s.call(s.tokens.read, "GET", `/v1/analyses/${run.analysis_id}`)).body.analysis;

/** Sends a folder by the page and returns its analysis, of which progress was shown. */
async function uploaded(s, folder) {
  const { page } = s;
  const known = new Set((await analyses(s)).map((a) => a.analysis_id));
  await s.go("/");
  await page.getByRole("button", { name: "Upload" }).click();
  await page.getByLabel("Choose a folder").last().setInputFiles(folder);
  await page.getByText(/\d+ images stored/).waitFor();
  await page.keyboard.press("Escape");
  let run;
  let progress = false;
  await until(async () => {
    run = (await analyses(s)).find((a) => !known.has(a.analysis_id));
    progress ||= (await page.locator("tbody progress").or(page.locator("tbody").getByText("waiting")).count()) > 0;
    return run && !["QUEUED", "RUNNING"].includes(run.state);
  }, () => `${folder} is not measured: ${JSON.stringify(run)}`);
  must(run.state === "SUCCEEDED", `the analysis is ${run.state}: ${run.reason}`);
  must(progress, "no progress was shown");
  return run;
}

export const steps = {
  "real: both examinations are uploaded and measured": async (s) => {
    s.real = [await uploaded(s, s.folders.realBefore), await uploaded(s, s.folders.realAfter)];
  },

  "real: the restoration shown is that of endplate compare": async (s) => {
    const { page } = s;
    const { body } = await s.call(s.tokens.administer, "POST", "/v1/comparisons", { analysis_ids: s.real.map((a) => a.analysis_id) });
    await s.go(`/comparisons/${body.comparison.comparison_id}`);
    await page.locator(".pictures svg image").nth(1).waitFor();
    const shown = await restored(page, "L3");
    const want = restoredBy(JSON.parse(s.endplate("compare", s.folders.realBefore, s.folders.realAfter, "--format", "json")), "L3");
    must(want.length > 0 && JSON.stringify(shown) === JSON.stringify(want), `shown ${shown}, endplate compare says ${want}`);
    s.note(`restored: ${shown.join(", ")} %`);
    await s.accessible("comparison of a patient");
    await s.picture("real-comparison");
  },

  "real: a point that is dragged by known pixels changes the height by the known millimetres": async (s) => {
    const { page } = s;
    const [run] = s.real;
    await s.go(`/studies/${run.study_instance_uid}/analyses/${run.analysis_id}#L3`);
    await view(page, "SAGITTAL").locator("canvas[data-at]").waitFor();
    await view(page, "SAGITTAL").focus();
    await page.keyboard.press("z");
    const point = grip(page, "L3 superior anterior point");
    await point.waitFor();
    const { landmarks } = (await result(s, run)).report.analyses[0].vertebrae.find((v) => v.level === "L3");
    const { superior_anterior: upper, inferior_anterior: lower } = landmarks;
    const before = await height(page, "L3", "anterior");
    const { pixel, scale } = await view(page, "SAGITTAL").evaluate((e) => ({ pixel: Number(e.dataset.pixel), scale: Number(e.dataset.scale) }));
    const from = await middle(point);
    const [right, up] = [2, 17];
    await page.mouse.move(from.x, from.y);
    await page.mouse.down();
    await page.mouse.move(from.x + right, from.y - up, { steps: 6 });
    await page.mouse.up();
    await changed(page, "L3", "anterior", before);
    // A sagittal plane: columns run to posterior, rows to inferior.
    const mm = pixel / scale;
    s.dragged = apart({ x: upper.x, y: upper.y + right * mm, z: upper.z + up * mm }, lower);
    await page.waitForFunction(
      (want) => Math.abs(Number(document.querySelector('tr[data-row="L3"] [data-height="anterior"]').dataset.mm) - want) < 0.1, s.dragged);
    s.note(`dragged by ${(up * mm).toFixed(2)} mm: ${before.toFixed(2)} to ${(await height(page, "L3", "anterior")).toFixed(2)} mm, want ${s.dragged.toFixed(2)}`);
    await s.picture("real-study");
  },

  "real: a level is renamed, it is accepted, and API, CSV and SR have it": async (s) => {
    const { page } = s;
    const [run] = s.real;
    const [{ level: first }] = (await result(s, run)).report.analyses[0].vertebrae;
    const above = names[names.indexOf(first) - 1];
    await page.locator(`tr[data-row="${first}"] button.level`).click();
    await page.getByRole("button", { name: "Rename…" }).click();
    await page.getByLabel("New name").selectOption(above);
    await page.getByLabel("The others follow").uncheck();
    await page.getByRole("button", { name: "Apply" }).click();
    await page.locator(`tr[data-row="${above}"]`).waitFor();
    await page.getByRole("button", { name: "Save…" }).click();
    await page.getByLabel("I have reviewed the result as a whole").check();
    await page.getByRole("button", { name: "Save as a new revision" }).click();
    await page.getByText("Reviewed by administer reader").waitFor();
    const { revision, report } = await result(s, run);
    const at = (level) => report.analyses[0].vertebrae.find((v) => v.level === level);
    must(revision.number === 1 && revision.reviewed, `the revision is ${JSON.stringify(revision)}`);
    must(at(above)?.level_by_reader && !at(first), `${first} was not renamed`);
    const mm = at("L3").heights.anterior_mm;
    must(Math.abs(mm - s.dragged) < 0.1, `the interface has ${mm} mm, want ${s.dragged}`);
    const csv = s.endplate("analyses", run.analysis_id, "--server", s.grpc, "--plaintext", "--token-file", s.tokenFiles.administer, "--format", "csv");
    const [head, ...rows] = csv.trim().split("\n").map((line) => line.split(","));
    const told = Number(rows.find((cells) => cells[head.indexOf("level")] === "L3")[head.indexOf("heights_anterior_mm")]);
    must(Math.abs(told - mm) < 0.01, `the CSV has ${told} mm, want ${mm}`);
    must(numbers(await structuredReport(s, run)).some((value) => Math.abs(value - mm) < 0.051), `no number of the structured report is ${mm} mm`);
    await s.picture("real-accepted");
  },
};
