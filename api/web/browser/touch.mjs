// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Fingers on a tablet, and the table on a small screen.

import { must, until } from "./setting.mjs";
import { view } from "./study.mjs";

const pane = (page) => view(page, "SAGITTAL");

/** Where the picture is shown, and which. */
const shown = (page) => pane(page).evaluate((e) => ({
  scale: Number(e.dataset.scale), left: Number(e.dataset.left), top: Number(e.dataset.top), at: Number(e.querySelector("canvas").dataset.at), pixel: Number(e.dataset.pixel),
}));

/** What happens to the fingers that are down, in their order. */
const touch = (s, type, ...at) => s.touch.send("Input.dispatchTouchEvent", { type, touchPoints: at.map(([x, y], id) => ({ x, y, id })) });

/** A finger or more: where each is, one step after another; they come down with the first and go up after the last. */
async function fingers(s, ...steps) {
  for (const [i, at] of steps.entries()) await touch(s, i === 0 ? "touchStart" : "touchMove", ...at);
  await touch(s, "touchEnd");
}

/** The steps from one place of the fingers to another. */
const between = (from, to, n = 6) => Array.from({ length: n + 1 }, (_, i) => from.map(([x, y], f) => [x + ((to[f][0] - x) * i) / n, y + ((to[f][1] - y) * i) / n]));

/** Where the place of the picture that lies at one point of the screen lies on another. */
const carried = (was, now, x, y) => [now.left + (now.scale / was.scale) * (x - was.left), now.top + (now.scale / was.scale) * (y - was.top)];

const near = ([x, y], [u, v]) => Math.hypot(x - u, y - v) < 1.5;

/** Waits until what is shown holds a condition, and returns it. */
async function settled(page, holds, what) {
  let now;
  await until(async () => holds((now = await shown(page))), () => `${what}: ${JSON.stringify(now)}`);
  return now;
}

export const steps = {
  "a tablet: a finger goes through the slices, and a tap links the views": async (s) => {
    const { page } = s;
    const client = await s.context.newCDPSession(page);
    s.touch = client;
    await client.send("Emulation.setDeviceMetricsOverride", { width: 1180, height: 820, deviceScaleFactor: 2, mobile: true });
    await client.send("Emulation.setTouchEmulationEnabled", { enabled: true, maxTouchPoints: 5 });
    await s.go(`/studies/${s.before.study_instance_uid}/analyses/${s.before.analysis_id}#L2`);
    await pane(page).locator("canvas[data-at]").waitFor();
    await pane(page).locator('[data-level="L2"].chosen').waitFor();
    must((await page.getByRole("button", { name: "Slices" }).getAttribute("aria-pressed")) === "true", "a finger is not for the slices to begin with");
    const box = (s.box = await pane(page).boundingBox());
    const before = await shown(page);
    const [x, y] = [box.x + 40, box.y + box.height - 120];
    await fingers(s, ...between([[x, y]], [[x, y + 50]]));
    await until(async () => Math.abs((await shown(page)).at - before.at + 5) < 0.01, "50 pixels down are not five slices on");
    must((await shown(page)).scale === before.scale, "a finger has zoomed");
    const axial = view(page, "AXIAL").locator("canvas").first();
    const was = await axial.getAttribute("data-at");
    await fingers(s, [[x, box.y + 200]]);
    await until(async () => (await axial.getAttribute("data-at")) !== was, "a tap leaves the axial view");
    await s.accessible("tablet");
    await s.picture("tablet");
  },

  "two fingers zoom and move the picture, which stays between them": async (s) => {
    const { page } = s;
    const { x, y, width, height } = s.box;
    const [cx, cy] = [width / 2, height / 2];
    const was = await shown(page);
    const at = (dx, dy) => [x + cx + dx, y + cy + dy];
    await fingers(s, ...between([at(-40, -30), at(40, 30)], [at(-80, -60), at(80, 60)]));
    const zoomed = await settled(page, (now) => Math.abs(now.scale / was.scale - 2) < 0.02 &&
      near(carried(was, now, cx, cy), [cx, cy]) && near(carried(was, now, cx + 40, cy + 30), [cx + 80, cy + 60]),
    `fingers twice as far apart do not zoom by two about their middle, from ${JSON.stringify(was)}`);
    await fingers(s, ...between([at(-40, 0), at(40, 0)], [at(-10, 45), at(70, 45)]));
    const moved = await settled(page, (now) => Math.abs(now.scale / zoomed.scale - 1) < 0.01 && near(carried(zoomed, now, cx, cy), [cx + 30, cy + 45]),
      `two fingers do not move the picture with them, from ${JSON.stringify(zoomed)}`);
    must(moved.at === was.at, "two fingers go through the slices");
    // One stays where the other is lifted: nothing more happens.
    await touch(s, "touchStart", at(-40, 0), at(40, 0));
    await touch(s, "touchEnd", at(-40, 0));
    await touch(s, "touchMove", at(-40, 60));
    await touch(s, "touchEnd");
    must(JSON.stringify(await shown(page)) === JSON.stringify(moved), "the finger that is left moves something");
    await page.getByRole("button", { name: "Fit" }).click();
    await until(async () => (await shown(page)).scale === was.scale, "the picture does not fit again");
  },

  "a finger takes hold of the point that is nearest, and moves it by as much as it moves": async (s) => {
    const { page } = s;
    await page.locator('tr[data-row="L2"] button.level').click();
    await page.keyboard.press("z");
    const point = pane(page).getByRole("button", { name: "L2 superior anterior point", exact: true }).locator("circle.point");
    await point.waitFor();
    const { body } = await s.call(s.tokens.read, "GET", `/v1/analyses/${s.before.analysis_id}`);
    const { superior_anterior: upper, inferior_anterior: lower } = body.analysis.report.analyses[0].vertebrae.find((v) => v.level === "L2").landmarks;
    const box = await point.boundingBox();
    const [fx, fy] = [box.x + box.width / 2 - 9, box.y + box.height / 2 - 12]; // beside it, as fingers are
    await touch(s, "touchStart", [fx, fy]);
    for (const dy of [8, 16, 24, 30]) await touch(s, "touchMove", [fx, fy - dy]);
    await page.locator(".magnifier").first().waitFor();
    await s.picture("finger");
    await touch(s, "touchEnd");
    const { pixel, scale } = await shown(page);
    const want = Math.hypot(upper.x - lower.x, upper.y - lower.y, upper.z + (30 * pixel) / scale - lower.z);
    const cell = page.locator('tr[data-row="L2"] [data-height="anterior"]');
    await until(async () => Math.abs(Number(await cell.getAttribute("data-mm")) - want) < 0.1, `the height does not become ${want} mm`);
    await page.getByRole("button", { name: "Undo" }).click();
    await s.touch.send("Emulation.setTouchEmulationEnabled", { enabled: false });
    await s.touch.send("Emulation.clearDeviceMetricsOverride");
    await page.setViewportSize({ width: 1280, height: 800 });
  },

  "at 1280 by 800 the everyday columns stand without scrolling, and a key shows the others": async (s) => {
    const { page } = s;
    await s.go(`/studies/${s.before.study_instance_uid}/analyses/${s.before.analysis_id}#L2`);
    await page.locator('tr[data-row="L2"]').waitFor();
    const table = page.locator("table.vertebrae");
    const headings = () => table.locator("thead th").allInnerTexts();
    const beyond = () => table.evaluate((e) => e.parentElement.scrollWidth - e.parentElement.clientWidth);
    must((await beyond()) <= 0, `the table is ${await beyond()} pixels wider than its place`);
    const few = (await headings()).length;
    must(few === 8 && !(await headings()).includes("HU"), `the columns are ${await headings()}`);
    await view(page, "SAGITTAL").focus();
    await page.keyboard.press("t");
    await until(async () => (await headings()).length > few && (await headings()).includes("HU"), "the key shows no more columns");
    await s.accessible("all columns");
    await page.reload();
    await page.locator('tr[data-row="L2"]').waitFor();
    must((await headings()).length > few, "the choice is forgotten");
    await page.getByRole("button", { name: "More columns" }).press("Enter");
    must((await headings()).length === few, "the button leaves the columns");
  },
};
