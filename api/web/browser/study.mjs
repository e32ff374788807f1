// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// A study is looked at, corrected and accepted.

import { inDutch, must, until } from "./setting.mjs";

export const view = (page, name) => page.locator(`.pane[data-view="${name}"]`);
export const grip = (page, label) => view(page, "SAGITTAL").getByRole("button", { name: label, exact: true });

/** What the table shows of one height, mm. */
export const height = (page, level, which) => page.locator(`tr[data-row="${level}"] [data-height="${which}"]`).evaluate((cell) => Number(cell.dataset.mm));

/** The middle of a point on the screen. */
export async function middle(point) {
  const box = await point.locator("circle.point").boundingBox();
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

/** The newest revision, as another client gets it. */
async function newest(s) {
  const { body } = await s.call(s.tokens.read, "GET", `/v1/analyses/${s.before.analysis_id}`);
  const [analysis] = body.analysis.report.analyses;
  return { revision: body.analysis.revision, analysis, at: (level) => analysis.vertebrae.find((v) => v.level === level) };
}

const vector = (p) => [p.x, p.y, p.z];
export const apart = (p, q) => Math.hypot(...vector(p).map((v, i) => v - vector(q)[i]));

/** Waits until the server has told what the last change makes, and the table shows it. */
export const changed = (page, level, which, from) =>
  page.waitForFunction(
    ([row, cell, mm]) => {
      const found = document.querySelector(`tr[data-row="${row}"] [data-height="${cell}"]`);
      return found && Math.abs(Number(found.dataset.mm) - mm) > 1e-6;
    },
    [level, which, from],
  );

/** Presses a key and waits until what it does is drawn; returns how long each took, ms. */
export const timed = (page, selector, attribute, key, times) =>
  page.evaluate(
    async ([sel, attr, pressed, n]) => {
      const all = [];
      for (let i = 0; i < n; i++) {
        const target = document.querySelector(sel);
        all.push(
          await new Promise((done, failed) => {
            const was = target.dataset[attr];
            const start = performance.now();
            const watch = new MutationObserver(() => {
              if (target.dataset[attr] === was) return;
              watch.disconnect();
              done(performance.now() - start);
            });
            watch.observe(target, { attributes: true });
            setTimeout(() => failed(new Error(`nothing after ${pressed}`)), 10_000);
            document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: pressed, bubbles: true, cancelable: true }));
          }),
        );
      }
      return all;
    },
    [selector, attribute, key, times],
  );

/** The structured report of the newest revision, as DICOM JSON, once it is made. */
export async function structuredReport(s, run = s.before) {
  for (let tries = 0; tries < 200; tries++) {
    const { body } = await s.call(s.tokens.administer, "GET", `/v1/analyses/${run.analysis_id}`);
    const made = body.analysis.publication;
    must(made && made.state !== "FAILED", `the structured report: ${JSON.stringify(made)}`);
    const sr = made.objects?.find((o) => o.kind === "sr");
    if (sr) {
      const at = `/dicom-web/studies/${run.study_instance_uid}/series/${sr.series_instance_uid}/instances/${sr.sop_instance_uid}/metadata`;
      const response = await fetch(s.base + at, { headers: { Authorization: `Bearer ${s.tokens.administer}`, Accept: "application/dicom+json" } });
      must(response.ok, `GET ${at}: ${response.status}`);
      return response.json();
    }
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error("no structured report was made");
}

/** The values of NumericValue, at any depth. */
export function numbers(dataset) {
  if (Array.isArray(dataset)) return dataset.flatMap(numbers);
  if (typeof dataset !== "object" || dataset === null) return [];
  return Object.entries(dataset).flatMap(([tag, element]) => (tag === "0040A30A" ? (element.Value ?? []).map(Number) : numbers(element)));
}

export const median = (all) => all.toSorted((a, b) => a - b)[all.length >> 1];

export const steps = {
  "a study opens with its images, outlines, points and numbers": async (s) => {
    const { page } = s;
    const study = `/studies/${s.before.study_instance_uid}/analyses/${s.before.analysis_id}`;
    const began = performance.now();
    await s.go(`${study}#L1`);
    await view(page, "SAGITTAL").locator("canvas[data-at]").waitFor();
    s.note(`first image after ${Math.round(performance.now() - began)} ms`);
    for (const name of ["SAGITTAL", "STRAIGHTENED", "AXIAL"]) {
      await view(page, name).locator("canvas[data-at]").waitFor();
      await view(page, name).locator(".outline.body").first().waitFor({ state: "attached" });
      const grey = await view(page, name).locator("canvas").first().evaluate((c) => {
        const { data } = c.getContext("2d").getImageData(0, 0, c.width, c.height);
        const seen = new Set();
        for (let i = 0; i < data.length; i += 4) seen.add(data[i]);
        return seen.size;
      });
      must(grey > 50, `the ${name} view has ${grey} greys`);
    }
    const { at } = await newest(s);
    for (const which of ["anterior", "middle", "posterior"]) {
      must((await height(page, "L1", which)) === at("L1").heights[`${which}_mm`], `${which} height of L1 is not that of the interface`);
    }
    await s.accessible("study");
    await s.picture("study");
  },

  "every panel is accessible": async (s) => {
    const { page } = s;
    for (const name of ["Profile", /Findings/, "Angles", "History"]) {
      await page.getByRole("tab", { name }).click();
      await s.accessible(`panel ${name}`);
    }
    await page.getByRole("tab", { name: "Angles" }).click();
    await page.getByLabel("Show Gardner L1").check();
    await view(page, "SAGITTAL").locator(".angle text").waitFor();
    await s.picture("angle");
    await page.getByRole("tab", { name: "Profile" }).click();
    await s.picture("profile");
    await page.getByRole("tab", { name: "Vertebrae" }).click();
  },

  "a row goes to its vertebra, a name in the image to its row": async (s) => {
    const { page } = s;
    const axial = view(page, "AXIAL").locator("canvas").first();
    const was = await axial.getAttribute("data-at");
    await page.locator('tr[data-row="T12"]').click();
    await page.waitForURL(/#T12$/);
    await page.waitForFunction(
      (old) => document.querySelector('.pane[data-view="AXIAL"] canvas').dataset.at !== old, was);
    await view(page, "SAGITTAL").locator('[data-level="L1"] .name').click();
    await page.locator('tr[data-row="L1"][aria-selected="true"]').waitFor();
    await page.waitForURL(/#L1$/);
  },

  "the window is dragged, the wheel goes through slices, the crosshair links the views": async (s) => {
    const { page } = s;
    const sagittal = view(page, "SAGITTAL");
    const box = await sagittal.boundingBox();
    const mean = () => sagittal.locator("canvas").first().evaluate((c) => {
      const { data } = c.getContext("2d").getImageData(0, 0, c.width, c.height);
      let sum = 0;
      for (let i = 0; i < data.length; i += 4) sum += data[i];
      return sum / (data.length / 4);
    });
    const before = await mean();
    await page.mouse.move(box.x + 40, box.y + box.height - 60);
    await page.mouse.down();
    await page.mouse.move(box.x + 40, box.y + box.height - 160, { steps: 4 });
    await page.mouse.up();
    await until(async () => (await mean()) > before + 5, "the image has not become brighter");
    await page.getByLabel("Window").first().selectOption({ label: "Spine" });
    const at = () => view(page, "AXIAL").locator("canvas").first().evaluate((c) => Number(c.dataset.at));
    const from = await at();
    const axial = await view(page, "AXIAL").boundingBox();
    await page.mouse.move(axial.x + 30, axial.y + axial.height - 30);
    await page.mouse.wheel(0, 100);
    await page.waitForFunction(
      (old) => Number(document.querySelector('.pane[data-view="AXIAL"] canvas').dataset.at) < old, from);
    // A click in the sagittal view shows the axial slice at its height.
    const { pixel, scale } = await sagittal.evaluate((e) => ({ pixel: Number(e.dataset.pixel), scale: Number(e.dataset.scale) }));
    const clickAt = async (y) => {
      const old = await at();
      await page.mouse.click(box.x + 30, y);
      await until(async () => (await at()) !== old, "a click in the sagittal view leaves the axial one");
      return at();
    };
    await clickAt(box.y + 250);
    const upper = await clickAt(box.y + 200);
    const lower = await clickAt(box.y + 300);
    const { extent } = (await s.call(s.tokens.read, "GET", `/v1/analyses/${s.before.analysis_id}:render?view=AXIAL&format=NO_PICTURE`)).body;
    must(Math.abs(upper - lower - (100 / scale) * pixel) <= extent.spacing.z + 0.01, `100 pixels are ${upper - lower} mm, want ${(100 / scale) * pixel}`);
  },

  "a point that is dragged by known pixels changes the height by the known millimetres": async (s) => {
    const { page } = s;
    await page.locator('tr[data-row="L1"] button.level').click();
    await view(page, "SAGITTAL").focus();
    await page.keyboard.press("z");
    await grip(page, "L1 superior anterior point").waitFor();
    const { at } = await newest(s);
    const { superior_anterior: upper, inferior_anterior: lower } = at("L1").landmarks;
    const before = await height(page, "L1", "anterior");
    const { pixel, scale } = await view(page, "SAGITTAL").evaluate((e) => ({ pixel: Number(e.dataset.pixel), scale: Number(e.dataset.scale) }));
    const from = await middle(grip(page, "L1 superior anterior point"));
    const [right, up] = [3, 21];
    await page.mouse.move(from.x, from.y);
    await page.mouse.down();
    await page.mouse.move(from.x + right, from.y - up, { steps: 6 });
    await page.locator(".magnifier").first().waitFor();
    await changed(page, "L1", "anterior", before); // while it is still held
    await s.picture("drag");
    await page.mouse.up();
    // A sagittal plane: columns run to posterior, rows to inferior.
    const mm = pixel / scale;
    const want = apart({ x: upper.x, y: upper.y + right * mm, z: upper.z + up * mm }, lower);
    await page.waitForFunction(
      (mmWanted) => Math.abs(Number(document.querySelector('tr[data-row="L1"] [data-height="anterior"]').dataset.mm) - mmWanted) < 0.1, want);
    s.note(`dragged by ${(up * mm).toFixed(2)} mm: ${before.toFixed(2)} to ${(await height(page, "L1", "anterior")).toFixed(2)} mm, want ${want.toFixed(2)}`);
    s.dragged = want;
    await page.getByText("automatic: " + before.toFixed(1)).first().waitFor();
    must((await newest(s)).revision.number === undefined, "there is a revision that nobody saved");
  },

  "it is undone and done again, and moved by a tenth of a millimetre": async (s) => {
    const { page } = s;
    const before = (await newest(s)).at("L1").heights.anterior_mm;
    await page.keyboard.press("Control+z");
    await page.waitForFunction((mm) => Number(document.querySelector('tr[data-row="L1"] [data-height="anterior"]').dataset.mm) === mm, before);
    await page.keyboard.press("Control+Shift+z");
    await page.waitForFunction(
      (mm) => Math.abs(Number(document.querySelector('tr[data-row="L1"] [data-height="anterior"]').dataset.mm) - mm) < 0.1, s.dragged);
    const was = await height(page, "L1", "posterior");
    await view(page, "SAGITTAL").focus();
    await page.keyboard.press("3"); // the superior posterior corner
    await page.keyboard.press("ArrowUp");
    await changed(page, "L1", "posterior", was);
    const by = (await height(page, "L1", "posterior")) - was;
    must(Math.abs(by - 0.1) < 0.02, `a key moved the point by ${by} mm`);
    const times = await timed(page, 'tr[data-row="L1"] [data-height="posterior"]', "mm", "ArrowUp", 9);
    s.note(`a correction is answered in ${Math.round(median(times))} ms, at most ${Math.round(Math.max(...times))}`);
    must(median(times) < 500, `corrections take ${times.map(Math.round)} ms`);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Undo" }).click();
    await page.waitForFunction((mm) => Number(document.querySelector('tr[data-row="L1"] [data-height="posterior"]').dataset.mm) === mm, was);
  },

  "what is not saved is still there after a look elsewhere": async (s) => {
    const { page } = s;
    const was = await height(page, "L1", "anterior");
    await page.getByText("1 not saved").waitFor();
    await page.getByRole("link", { name: "Studies" }).click();
    await page.locator("tbody tr").first().waitFor();
    await page.goBack();
    await page.getByText("1 not saved").waitFor();
    await page.waitForFunction((mm) => Number(document.querySelector('tr[data-row="L1"] [data-height="anterior"]').dataset.mm) === mm, was);
    await page.locator('tr[data-row="L1"] button.level').click();
  },

  "a level is renamed and the others follow": async (s) => {
    const { page } = s;
    await page.keyboard.press("r");
    await page.getByLabel("New name").selectOption("L2");
    await s.accessible("renaming");
    await page.getByRole("button", { name: "Apply" }).click();
    await page.locator('tr[data-row="L2"][aria-selected="true"]').waitFor();
    await page.locator('tr[data-row="L4"]').waitFor(); // which was L3
    await view(page, "SAGITTAL").locator('[data-level="L2"] .name').waitFor();
  },

  "a finding is rejected with a reason": async (s) => {
    const { page } = s;
    await page.getByRole("tab", { name: /Findings/ }).click();
    await page.getByRole("tabpanel").getByRole("button", { name: "L2", exact: true }).first().waitFor(); // as it is named now
    await page.getByRole("button", { name: "Reject…" }).first().click();
    await page.getByLabel("Reason").fill("an old Scheuermann vertebra");
    await page.getByRole("button", { name: "Apply" }).click();
    await page.getByText("because: an old Scheuermann vertebra").waitFor();
    await s.accessible("a rejected finding");
  },

  "it is accepted: the revision is in the interface, in the CSV and in the structured report": async (s) => {
    const { page } = s;
    await page.getByRole("button", { name: "Save…" }).click();
    await page.getByLabel("Comment").fill("moved and renamed");
    await page.getByLabel("I have reviewed the result as a whole").check();
    await s.accessible("saving");
    await page.getByRole("button", { name: "Save as a new revision" }).click();
    await page.getByText("Reviewed by administer reader").waitFor();
    await page.getByRole("tab", { name: "History" }).click();
    await page.getByText("“moved and renamed”").waitFor();
    await s.picture("history");
    const { revision, analysis, at } = await newest(s);
    must(revision.number === 1 && revision.author === "administer reader" && revision.reviewed, `the revision is ${JSON.stringify(revision)}`);
    const made = revision.corrections.map((c) => Object.keys(c)[0]).join();
    must(made === "move_landmark,rename_level,judge_finding", `the corrections are ${made}`);
    const mm = at("L2").heights.anterior_mm;
    must(Math.abs(mm - s.dragged) < 0.1, `the interface has ${mm} mm, want ${s.dragged}`);
    must(analysis.findings.some((f) => f.verdict === "REJECTED"), "no finding is rejected");
    const id = s.before.analysis_id;
    const csv = s.endplate("analyses", id, "--server", s.grpc, "--plaintext", "--token-file", s.tokenFiles.administer, "--format", "csv");
    const [head, ...rows] = csv.trim().split("\n").map((line) => line.split(","));
    const row = rows.find((cells) => cells[head.indexOf("level")] === "L2");
    must(Math.abs(Number(row[head.indexOf("heights_anterior_mm")]) - mm) < 0.01, `the CSV has ${row[head.indexOf("heights_anterior_mm")]} mm, want ${mm}`);
    const report = await structuredReport(s);
    must(numbers(report).some((value) => Math.abs(value - mm) < 0.051), `no number of the structured report is ${mm} mm`);
    must(JSON.stringify(report).includes("administer reader"), "the structured report does not say who corrected it");
  },

  "the later of two readers is told, chooses, and nothing is lost": async (s) => {
    const { page } = s;
    const id = s.before.analysis_id;
    await page.getByRole("tab", { name: "Vertebrae" }).click();
    await page.locator('tr[data-row="T12"] button.level').click();
    await page.getByRole("button", { name: "Not measurable…" }).click();
    await page.getByLabel("Reason").fill("motion");
    await page.getByRole("button", { name: "Apply" }).click();
    await page.locator('tr[data-row="T12"].unmeasured').waitFor();
    const other = await s.call(s.tokens.correct, "POST", `/v1/analyses/${id}:correct`,
      { base_revision: 1, comment: "mine", corrections: [{ rename_level: { from: "L3", to: "L3" } }] });
    must(other.status === 200, `the other reader's correction: ${JSON.stringify(other.body)}`);
    await page.getByRole("button", { name: "Save…" }).click();
    await page.getByRole("button", { name: "Save as a new revision" }).click();
    await page.getByText("correct reader has saved revision 2 meanwhile.").waitFor();
    must((await newest(s)).revision.number === 2, "the other reader's revision was overwritten");
    await page.getByRole("button", { name: "See what to do…" }).click();
    await page.getByText("T12 is not measurable: motion").last().waitFor();
    await s.accessible("two readers");
    await s.picture("conflict");
    await page.getByRole("button", { name: "Load theirs and apply mine to it" }).click();
    await page.getByText("Revision 2 by correct reader").waitFor();
    await page.locator('tr[data-row="T12"].unmeasured').waitFor();
    await page.getByRole("button", { name: "Save…" }).click();
    await page.getByRole("button", { name: "Save as a new revision" }).click();
    await page.getByText("Revision 3 by administer reader").waitFor();
    const { revision, at } = await newest(s);
    must(revision.number === 3 && at("T12").status === "NOT_MEASURABLE" && at("L3").level_by_reader, "one of the two corrections is not there");
  },

  "a vertebra is removed and added": async (s) => {
    const { page } = s;
    await page.locator('tr[data-row="L3"] button.level').click();
    await page.getByRole("button", { name: "Remove…" }).click();
    await page.getByRole("button", { name: "Remove", exact: true }).click();
    await page.locator('tr[data-row="L3"]').waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Add a vertebra…" }).click();
    await page.getByLabel("Level").last().selectOption("L3");
    await s.accessible("adding");
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await page.locator('tr[data-row="L3"] [data-height="anterior"]').waitFor();
    await page.keyboard.press("Control+z");
    await page.keyboard.press("Control+z");
    await page.locator('tr[data-row="L3"]').waitFor();
  },

  "the sagittal image follows the spine, and back": async (s) => {
    const { page } = s;
    await page.locator('tr[data-row="L2"] button.level').click();
    await page.getByRole("button", { name: "Along spine" }).click();
    await page.locator('.pane[data-view="SAGITTAL"][data-follows]').waitFor();
    const was = await height(page, "L2", "posterior");
    await view(page, "SAGITTAL").focus();
    await page.keyboard.press("3");
    await page.keyboard.press("Shift+ArrowUp");
    await changed(page, "L2", "posterior", was);
    const by = (await height(page, "L2", "posterior")) - was;
    must(Math.abs(by - 1) < 0.1, `a key moved the point by ${by} mm`);
    await page.keyboard.press("Control+z");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Along spine" }).click();
    await page.locator('.pane[data-view="SAGITTAL"]:not([data-follows])').waitFor();
  },

  "images are scrolled by keys, each of them drawn": async (s) => {
    const { page } = s;
    for (const name of ["AXIAL", "SAGITTAL", "STRAIGHTENED"]) {
      await view(page, name).focus();
      const times = await timed(page, `.pane[data-view="${name}"] canvas`, "at", "ArrowDown", 15);
      s.note(`${name}: ${Math.round(1000 / (times.reduce((a, b) => a + b) / times.length))} images a second`);
    }
  },

  "who may not correct sees it all and changes nothing": async (s) => {
    const { page } = s;
    const path = new URL(page.url()).pathname;
    await s.signIn(s.tokens.read);
    await s.go(`${path}#L2`);
    await page.locator('tr[data-row="L2"]').waitFor();
    await page.getByText("You may look, not correct.").waitFor();
    for (const name of ["Save…", "Accept…", "Rename…", "Remove…", "Add a vertebra…"]) {
      must((await page.getByRole("button", { name }).count()) === 0, `${name} is offered`);
    }
    must((await page.locator(".grip").count()) === 0, "points can be taken hold of");
    await view(page, "SAGITTAL").focus();
    await page.keyboard.press("1");
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("r");
    must((await page.getByRole("dialog").count()) === 0, "a key opens what may not be");
    await s.signIn(s.tokens.administer);
  },

  "the study page speaks Dutch": async (s) => {
    const { page } = s;
    await s.go(`/studies/${s.before.study_instance_uid}#L2`);
    await page.getByLabel("Language").selectOption("nl");
    await page.getByRole("tab", { name: "Wervels" }).waitFor();
    await page.getByText("Beoordeeld").or(page.getByText("Niet beoordeeld")).first().waitFor();
    const english = await page.evaluate(() => [...document.querySelectorAll("main button, main summary, main th")]
      .filter((e) => !e.closest('[lang="en"]')).map((e) => e.textContent).filter((text) => /vertebra|measur|undo|rename|remove|expected/i.test(text)));
    must(english.length === 0, `in English: ${english}`);
    const left = await page.locator('main [lang="en"]').allInnerTexts();
    must(left.length === 0, `in English: ${left}`);
    await page.locator("header.bar select").first().selectOption("en");
    await page.getByRole("tab", { name: /Findings/ }).click();
    await inDutch(s, "findings", ".findings article p:not(.buttons)");
  },
};
