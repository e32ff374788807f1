// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Sign-in, worklist, upload, keys, languages, and what each role may.

import { must } from "./setting.mjs";

export const steps = {
  "a wrong token is refused, and the right one taken": async (s) => {
    const { page } = s;
    await s.go("/");
    await page.getByLabel("Token").waitFor();
    await s.accessible("sign-in");
    await page.getByLabel("Token").fill("endplate_wrong");
    await page.keyboard.press("Enter");
    await page.getByText("does not take this token").waitFor();
    await page.getByLabel("Token").fill(s.tokens.administer);
    await page.keyboard.press("Enter");
    await page.getByText("No studies are stored yet").waitFor();
    await s.accessible("worklist without studies");
    must(!page.url().includes(s.tokens.administer), "the token stands in the address");
  },

  "the policy holds: no script or style of a page, nothing of another origin": async (s) => {
    const broken = await s.page.evaluate(async () => {
      const seen = [];
      document.addEventListener("securitypolicyviolation", (e) => seen.push(e.effectiveDirective));
      const style = document.createElement("style");
      style.textContent = "body { display: none }";
      document.head.append(style);
      const image = new Image();
      image.src = "https://127.0.0.1:9/x.png";
      await fetch("https://127.0.0.1:9/").catch(() => {});
      const trusted = (() => {
        try {
          document.body.insertAdjacentHTML("beforeend", "<img src=x onerror=alert(1)>");
          return false;
        } catch {
          return true;
        }
      })();
      await new Promise((done) => setTimeout(done, 100));
      style.remove();
      return { seen, trusted, shown: getComputedStyle(document.body).display };
    });
    s.complaints(); // which are those that were asked for
    for (const directive of ["style-src-elem", "img-src", "connect-src"]) {
      must(broken.seen.includes(directive), `${directive} was not enforced: ${broken.seen}`);
    }
    must(broken.trusted, "markup was put into the page as text");
    must(broken.shown !== "none", "a style of the page was taken");
  },

  "a folder is uploaded, measured and listed with its worst finding": async (s) => {
    const { page } = s;
    await page.getByRole("button", { name: "Upload" }).click();
    await s.accessible("upload");
    await page.getByLabel("Choose a folder").last().setInputFiles(s.folders.before);
    await page.getByText(/\d+ images stored, 1 files that are not DICOM left out/).waitFor();
    await page.keyboard.press("Escape");
    const seen = new Set();
    const row = page.locator("tbody tr");
    const worst = row.getByText(/^L1 Genant 2/);
    for (let tries = 0; !(await worst.isVisible()) && tries < 600; tries++) {
      for (const shown of ["waiting", "progress"]) {
        const at = shown === "progress" ? row.locator("progress") : row.getByText(shown);
        if (await at.isVisible()) seen.add(shown);
      }
      await page.waitForTimeout(50);
    }
    await worst.waitFor();
    must(seen.size > 0, "no progress was shown");
    await row.getByText("to be reviewed").waitFor();
    await s.accessible("worklist");
    await s.picture("worklist");
    const { body } = await s.call(s.tokens.administer, "POST", "/v1/worklist:search", {});
    s.before = body.entries[0].analyses[0].analysis;
    must(s.before.state === "SUCCEEDED", `the analysis is ${s.before.state}`);
  },

  "the worklist is searched, filtered and gone through by keys": async (s) => {
    const { page } = s;
    await page.keyboard.press("/");
    await page.keyboard.type("nobody");
    await page.getByText("No study fits.").waitFor();
    must(!page.url().includes("nobody"), "what is searched for stands in the address");
    await page.keyboard.press("Control+a");
    await page.keyboard.type("phantom");
    await page.locator("tbody tr").waitFor();
    await page.keyboard.press("Control+a");
    await page.keyboard.press("Delete");
    await page.getByLabel("State").selectOption("FAILED");
    await page.getByText("No study fits.").waitFor();
    await page.getByLabel("State").selectOption("");
    await page.locator("tbody tr").waitFor();
    await page.getByRole("heading", { name: "Studies" }).click();
    await page.keyboard.press("j");
    await page.keyboard.press("x");
    await page.locator('tbody tr[aria-selected="true"]').waitFor();
    await page.keyboard.press("x");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/studies\/[\d.]+\/analyses\/\w+$/);
    await page.goBack();
    await page.locator("tbody tr").waitFor();
  },

  "the keys are listed, in English and Dutch": async (s) => {
    const { page } = s;
    await page.keyboard.press("?");
    await page.getByRole("dialog").getByText("choose the study for a comparison").waitFor();
    await s.accessible("keys");
    await page.keyboard.press("Escape");
    await page.getByLabel("Language").selectOption("nl");
    await page.getByRole("heading", { name: "Onderzoeken" }).waitFor();
    must((await page.locator("html").getAttribute("lang")) === "nl", "the page does not say that it is Dutch");
    await page.getByLabel("Thema").selectOption("dark");
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const dark = await ground();
    await page.getByLabel("Thema").selectOption("light");
    must(dark !== (await ground()), "dark and light are the same");
    await page.getByLabel("Thema").selectOption("system");
    await page.getByLabel("Taal").selectOption("en");
  },

  "the page is small, and the worklist quick": async (s) => {
    const { page } = s;
    let bytes = 0;
    const sized = [];
    const count = (r) => sized.push(r.sizes().then((n) => (bytes += n.responseBodySize + n.responseHeadersSize)));
    page.on("requestfinished", count);
    await s.context.clearCookies();
    const client = await s.context.newCDPSession(page);
    await client.send("Network.clearBrowserCache");
    const began = performance.now();
    await page.reload();
    await page.locator("tbody tr").waitFor();
    s.note(`worklist after ${Math.round(performance.now() - began)} ms, loaded anew`);
    await Promise.all(sized);
    page.off("requestfinished", count);
    s.note(`${bytes} bytes transferred`);
    must(bytes > 5_000 && bytes < 300_000, `${bytes} bytes transferred`);
  },

  "who may not see patients, send or correct is offered nothing of it, and refused": async (s) => {
    const { page } = s;
    await s.signIn(s.tokens.read);
    await page.locator("tbody tr").waitFor();
    const text = await page.locator("body").innerText();
    must(!/phantom/i.test(text.replace("Synthetic spine", "")), "the patient's name is shown");
    for (const name of ["Upload", "Compare", "Measure", "Delete"]) {
      must((await page.getByRole("button", { name }).count()) === 0, `${name} is offered`);
    }
    must((await page.getByRole("checkbox").count()) === 0, "studies can be chosen for a comparison");
    await s.accessible("worklist of a reader");
    const id = s.before.analysis_id;
    for (const [method, path, body] of [
      ["POST", `/v1/analyses/${id}:correct`, { base_revision: 0, reviewed: true }],
      ["POST", "/v1/analyses", { series_instance_uid: s.before.series_instance_uid }],
      ["POST", "/v1/comparisons", { analysis_ids: [id, "other"] }],
      ["DELETE", `/v1/studies/${s.before.study_instance_uid}`],
      ["POST", "/v1/worklist:search", { order: "PATIENT_NAME" }],
    ]) {
      // From within the page, as a script in it would.
      const status = await page.evaluate(async ([m, p, b, token]) => (await fetch(p, {
        method: m, body: b && JSON.stringify(b), headers: { Authorization: `Bearer ${token}` },
      })).status, [method, path, body, s.tokens.read]);
      must(status === 403, `${method} ${path} by a reader: ${status}`);
      must((await s.call("", method, path, body)).status === 401, `${method} ${path} by nobody is not refused`);
    }
    const { body } = await s.call(s.tokens.administer, "GET", `/v1/analyses/${id}/revisions`);
    must(body.revisions.length === 1, `a reader has made a revision: ${JSON.stringify(body)}`);
    await s.signIn(s.tokens.administer);
  },

  "what could not be delivered is shown with the reason, and tried again": async (s) => {
    const { page } = s;
    await page.getByRole("link", { name: "Deliveries" }).click();
    const row = page.locator("tbody tr", { hasText: "archive" }).first();
    await row.getByText("waiting").waitFor();
    await s.accessible("deliveries");
    await s.picture("deliveries");
    const { body } = await s.call(s.tokens.read, "GET", "/v1/deliveries");
    must(body.deliveries.some((d) => d.kind === "sr" && d.analysis_id === s.before.analysis_id), "no structured report is on its way");
    await row.getByRole("button", { name: "Try now" }).click();
    await page.getByLabel("Show").selectOption("DELIVERED");
    await page.getByText(/Nothing was sent/).waitFor();
    const id = body.deliveries[0].delivery_id;
    must((await s.call(s.tokens.read, "POST", `/v1/deliveries/${id}:retry`, {})).status === 403, "a reader may have it tried again");
  },
};
