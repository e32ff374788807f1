// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// A lateral film is sent, looked at, corrected and accepted.

import { inDutch, must, until } from "./setting.mjs";
import { changed, grip, height, middle, numbers, structuredReport, view } from "./study.mjs";

/** A film's analysis with the result of its newest revision. */
const newest = async (s) => (await s.call(s.tokens.read, "GET", `/v1/analyses/${s.film.analysis_id}`)).body.analysis;
const vertebra = (run, level) => run.report.analyses[0].vertebrae.find((v) => v.level === level);

export const steps = {
  "film: it is uploaded and measured": async (s) => {
    const { page } = s;
    await s.go("/");
    await page.getByRole("button", { name: "Upload" }).click();
    await page.getByLabel("Choose a folder").last().setInputFiles(s.folders.film);
    await page.getByText("1 images stored").waitFor();
    await page.keyboard.press("Escape");
    await until(async () => {
      const { body } = await s.call(s.tokens.read, "GET", "/v1/analyses?page_size=500");
      const studies = (await s.call(s.tokens.administer, "GET", "/v1/studies?page_size=500")).body.studies;
      const of = studies.find((one) => one.modalities?.includes("DX"));
      s.film = of && body.analyses?.find((a) => a.study_instance_uid === of.study_instance_uid);
      return s.film && !["QUEUED", "RUNNING"].includes(s.film.state);
    }, () => `the film is not measured: ${JSON.stringify(s.film)}`);
    must(s.film.state === "SUCCEEDED", `the analysis is ${s.film.state}: ${s.film.reason}`);
  },

  "film: it is shown with its points, and without what only a CT has": async (s) => {
    const { page } = s;
    const run = await newest(s);
    const measured = run.report.analyses[0].vertebrae.filter((v) => v.status === "MEASURED");
    must(measured.length >= 5, `${measured.length} vertebrae were measured`);
    s.level = measured[measured.length >> 1].level;
    await s.go(`/studies/${run.study_instance_uid}/analyses/${run.analysis_id}#${s.level}`);
    await view(page, "SAGITTAL").locator("canvas[data-at]").waitFor();
    await grip(page, `${s.level} superior anterior point`).waitFor({ state: "attached" });
    must((await page.locator(".pane").count()) === 1, "a film has more than one view");
    for (const name of ["Along spine", "More columns", "Slices"]) {
      must((await page.getByRole("button", { name }).count()) === 0, `${name}: a film has none`);
    }
    must((await page.locator(`tr[data-row="${s.level}"] [data-height="anterior"]`).count()) === 0, "millimetres of a film that tells none");
    const shown = Number(await page.locator(`tr[data-row="${s.level}"] [data-ratio="anterior"]`).getAttribute("data-percent"));
    const percent = vertebra(run, s.level).ratios.anterior_of_expected_percent;
    must(percent > 0 && shown === percent, `${shown} % of the expected height, want ${percent}`);
    await s.accessible("film");
    await s.picture("film");
    await page.getByRole("tab", { name: /Findings/ }).click();
    await inDutch(s, "findings of a film", ".findings article p:not(.buttons)");
    await page.getByRole("tab", { name: "Vertebrae" }).click();
  },

  "film: two points of a known distance give it millimetres": async (s) => {
    const { page } = s;
    const measured = (await newest(s)).report.analyses[0].vertebrae.filter((v) => v.status === "MEASURED");
    const [first, last] = [measured.at(1), measured.at(-2)];
    const apart = Math.hypot(first.center.column - last.center.column, first.center.row - last.center.row);
    const mm = Math.round(apart * 0.25);
    const scale = page.locator("details.scale");
    for (const [v, end] of [[first, "Mark one end"], [last, "Mark the other end"]]) {
      await page.locator(`tr[data-row="${v.level}"] button.level`).click(); // the crosshair goes to its centre
      await scale.getByRole("button", { name: end }).click();
    }
    await scale.locator("input[name=mm]").fill(String(mm));
    await s.accessible("the scale of a film");
    await scale.getByRole("button", { name: "Set the scale" }).click();
    await page.locator(`tr[data-row="${s.level}"] [data-height="anterior"]`).waitFor();
    await page.getByRole("button", { name: "Save…" }).click();
    await page.getByRole("button", { name: "Save as a new revision" }).click();
    await until(async () => (await newest(s)).revision.number === 1, () => "the scale is not saved");
    const { calibration } = (await newest(s)).report.analyses[0].film;
    must(calibration.basis === "READER" && Math.abs(calibration.row_spacing_mm - mm / apart) < 1e-3, `the scale is ${JSON.stringify(calibration)}, want ${mm / apart} mm`);
    await page.locator(`tr[data-row="${s.level}"] button.level`).click();
  },

  "film: a point that is dragged by known pixels changes the height by the known millimetres": async (s) => {
    const { page } = s;
    await view(page, "SAGITTAL").focus();
    const wide = await view(page, "SAGITTAL").getAttribute("data-scale");
    await page.keyboard.press("z");
    await page.waitForFunction((wide) => document.querySelector('.pane[data-view="SAGITTAL"]').dataset.scale !== wide, wide);
    const point = grip(page, `${s.level} superior anterior point`);
    await point.waitFor();
    const run = await newest(s);
    const { superior_anterior: upper, inferior_anterior: lower } = vertebra(run, s.level).landmarks;
    const { column_spacing_mm: across, row_spacing_mm: along } = run.report.analyses[0].film.calibration;
    const before = await height(page, s.level, "anterior");
    const { pixel, scale } = await view(page, "SAGITTAL").evaluate((e) => ({ pixel: Number(e.dataset.pixel), scale: Number(e.dataset.scale) }));
    const from = await middle(point);
    const [right, up] = [3, 15];
    await page.mouse.move(from.x, from.y);
    await page.mouse.down();
    await page.mouse.move(from.x + right, from.y - up, { steps: 6 });
    await page.mouse.up();
    await changed(page, s.level, "anterior", before);
    const shown = pixel / scale; // pixels of the film to one of the screen
    s.dragged = Math.hypot((upper.column - lower.column + right * shown) * across, (upper.row - lower.row - up * shown) * along);
    await page.waitForFunction(
      ([level, want]) => Math.abs(Number(document.querySelector(`tr[data-row="${level}"] [data-height="anterior"]`).dataset.mm) - want) < 0.1, [s.level, s.dragged]);
    s.note(`dragged by ${(up * shown * along).toFixed(2)} mm: ${before.toFixed(2)} to ${(await height(page, s.level, "anterior")).toFixed(2)} mm, want ${s.dragged.toFixed(2)}`);
  },

  "film: a body that a reader marks is found again, and is named so": async (s) => {
    const { page } = s;
    const marked = (await newest(s)).report.analyses[0].vertebrae.at(-2).level;
    await page.locator(`tr[data-row="${marked}"] button.level`).click(); // the crosshair goes to its centre
    await page.getByRole("button", { name: "Remove…" }).click();
    await page.getByRole("button", { name: "Remove", exact: true }).click();
    await page.locator(`tr[data-row="${marked}"]`).waitFor({ state: "detached" });
    const seeds = page.locator("details.seeds");
    await seeds.locator("summary").click();
    await seeds.locator("select[name=seed]").selectOption(marked);
    await seeds.getByRole("button", { name: "Mark the crosshair" }).click();
    await s.accessible("a body is marked on a film");
    await seeds.getByRole("button", { name: "Find" }).click();
    await page.locator(`tr[data-row="${marked}"] [data-height="anterior"]`).waitFor();
    await page.getByRole("button", { name: "Save…" }).click();
    await page.getByLabel("I have reviewed the result as a whole").check();
    await page.getByRole("button", { name: "Save as a new revision" }).click();
    await page.getByText("Reviewed by administer reader").waitFor();
    const saved = await newest(s);
    must(saved.revision.number === 2 && saved.revision.reviewed, `the revision is ${JSON.stringify(saved.revision)}`);
    must(vertebra(saved, marked)?.level_by_reader, `${marked} is not the reader's: ${JSON.stringify(vertebra(saved, marked))}`);
    const mm = vertebra(saved, s.level).heights.anterior_mm;
    must(Math.abs(mm - s.dragged) < 0.1, `the interface has ${mm} mm, want ${s.dragged}`);
    const csv = s.endplate("analyses", s.film.analysis_id, "--server", s.grpc, "--plaintext", "--token-file", s.tokenFiles.administer, "--format", "csv");
    const [head, ...rows] = csv.trim().split("\n").map((line) => line.split(","));
    const told = Number(rows.find((cells) => cells[head.indexOf("level")] === s.level)[head.indexOf("heights_anterior_mm")]);
    must(Math.abs(told - mm) < 0.01, `the CSV has ${told} mm, want ${mm}`);
    must(numbers(await structuredReport(s, s.film)).some((value) => Math.abs(value - mm) < 0.051), `no number of the structured report is ${mm} mm`);
    await s.picture("film-saved");
  },

  "film: it is compared with a CT, in percent of what is expected": async (s) => {
    const { page } = s;
    const made = await s.call(s.tokens.administer, "POST", "/v1/comparisons",
      { analysis_ids: [s.before.analysis_id, s.film.analysis_id], options: { force: true, keep_order: true } }); // of two made patients
    must(made.status === 200, `the comparison: ${JSON.stringify(made.body)}`);
    const id = made.body.comparison.comparison_id;
    const run = async () => (await s.call(s.tokens.read, "GET", `/v1/comparisons/${id}`)).body.comparison;
    await until(async () => !["QUEUED", "RUNNING"].includes((await run()).state), () => "the comparison does not end");
    must((await run()).state === "SUCCEEDED", `the comparison is ${(await run()).state}: ${(await run()).reason}`);
    await s.go(`/comparisons/${id}`);
    await page.locator(".pictures svg image").nth(1).waitFor();
    await page.getByText("Anterior, % of exp.").waitFor();
    await page.getByText("Not assessable on a radiograph: volume, canal, retropulsion, cement, leaks of cement.").waitFor();
    must((await page.getByText("Cement, ml").count()) === 0, "a comparison with a film has a column of cement");
    const told = (await run()).report.comparisons[0];
    const { level, anterior_of_expected_percent: change } = told.vertebrae.find((v) => v.anterior_of_expected_percent);
    const shown = await page.locator(`tr[data-level="${level}"] .values`).first().innerText();
    must(shown === `${change.before.toFixed(0)} → ${change.after.toFixed(0)}`, `${shown}, want ${change.before} → ${change.after}`);
    await s.accessible("comparison with a film");
    await s.picture("film-compared");
  },
};
