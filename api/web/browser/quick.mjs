// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// How long readers wait with whole CTs, made and real ones.

import { must } from "./setting.mjs";
import { median, timed, view } from "./study.mjs";

// What a reader should not wait for longer than, ms, and how many images a second they
// should see at least.
const most = { worklist: 300, image: 1000, correction: 200 };
const least = 20;

/** The steps of each folder of a CT. */
export function stepsOf(s) {
  const steps = {};
  for (const [name, folder] of Object.entries(s.folders)) {
    steps[`${name}: measured, and the list stands at once`] = async () => {
      s.run = await measured(s, folder);
      await s.signIn(s.tokens.administer);
      await s.page.locator("tbody tr").first().waitFor();
      const began = performance.now();
      await s.page.reload();
      await s.page.locator("tbody tr").first().waitFor();
      within(s, `${name}: worklist`, performance.now() - began, most.worklist);
      await s.accessible("worklist");
      await s.picture(`${name}-worklist`);
    };
    steps[`${name}: the first image comes, and slices follow each other`] = () => images(s, name);
    steps[`${name}: a correction is answered`] = () => correction(s, name);
  }
  return steps;
}

/** Sends a folder and returns its analysis once it is there. */
async function measured(s, folder) {
  const id = s.endplate("send", folder, "--server", s.grpc, "--plaintext", "--token-file", s.tokenFiles.administer, "--analyze").trim();
  const response = await fetch(`${s.base}/v1/analyses/${id}:watch`, { headers: { Authorization: `Bearer ${s.tokens.read}` } });
  const lines = (await response.text()).trim().split("\n");
  const { analysis } = JSON.parse(lines.at(-1)).result;
  must(analysis.state === "SUCCEEDED", `the analysis is ${analysis.state}: ${analysis.reason}`);
  // The objects that are made of it take the processor too.
  for (;;) {
    const { body } = await s.call(s.tokens.read, "GET", `/v1/analyses/${id}`);
    if (!["QUEUED", "RUNNING"].includes(body.analysis.publication?.state)) return body.analysis;
    await new Promise((done) => setTimeout(done, 100));
  }
}

function within(s, what, ms, limit) {
  s.note(`${what} after ${Math.round(ms)} ms`);
  must(ms <= limit, `${what} after ${Math.round(ms)} ms, want at most ${limit}`);
}

/** The images a second of a view whose slices are gone through. */
async function scrolled(page, plane) {
  await view(page, plane).focus();
  const times = await timed(page, `.pane[data-view="${plane}"] canvas`, "at", "ArrowDown", 40);
  return 1000 / (times.reduce((a, b) => a + b) / times.length);
}

/** The vertebra in the middle of those that are measured. */
function middleLevel(run) {
  const found = run.report.analyses[0].vertebrae.filter((v) => v.heights?.anterior_mm !== undefined);
  return found[found.length >> 1].level;
}

async function images(s, name) {
  const { page } = s;
  const began = performance.now();
  await s.go(`/studies/${s.run.study_instance_uid}/analyses/${s.run.analysis_id}#${middleLevel(s.run)}`);
  await view(page, "SAGITTAL").locator("canvas[data-at]").waitFor();
  const first = performance.now() - began;
  for (const plane of ["STRAIGHTENED", "AXIAL"]) await view(page, plane).locator("canvas[data-at]").waitFor();
  await s.picture(`${name}-study`);
  await s.accessible("study");
  const rates = {};
  for (const plane of ["AXIAL", "SAGITTAL", "STRAIGHTENED"]) rates[plane] = Math.round(await scrolled(page, plane));
  s.note(`${name}: images a second: ${JSON.stringify(rates)}`);
  within(s, `${name}: first image`, first, most.image);
  must(Math.min(...Object.values(rates)) >= least, `images a second: ${JSON.stringify(rates)}, want at least ${least}`);
}

async function correction(s, name) {
  const { page } = s;
  const level = middleLevel(s.run);
  await s.go(`/studies/${s.run.study_instance_uid}/analyses/${s.run.analysis_id}#${level}`);
  const cell = `tr[data-row="${level}"] [data-height="posterior"]`;
  await page.locator(cell).waitFor();
  await view(page, "SAGITTAL").locator("canvas[data-at]").waitFor();
  await view(page, "SAGITTAL").focus();
  await page.keyboard.press("3"); // the superior posterior corner
  const times = await timed(page, cell, "mm", "ArrowUp", 10);
  s.note(`${name}: corrections at most after ${Math.round(Math.max(...times))} ms`);
  within(s, `${name}: correction`, median(times), most.correction);
}
