// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Archives, and files without what files of DICOM begin with, are uploaded; those made to
// do harm are refused, and say so.

import { join } from "node:path";
import { must } from "./setting.mjs";

const files = (s, ...names) => names.map((name) => join(s.folders.archives, name));

/** Counts the stored images: reports are added to them as studies are measured. */
async function instances(s) {
  const { studies } = (await s.call(s.tokens.read, "GET", "/v1/studies")).body;
  const series = await Promise.all(studies.map(async (study) => (await s.call(s.tokens.read, "GET", `/v1/studies/${study.study_instance_uid}/series`)).body.series));
  return series.flat().filter((one) => one.modality === "CT").reduce((sum, one) => sum + one.instance_count, 0);
}

/** What became of the upload that is under way. */
async function outcome(page) {
  await page.getByText(/(images stored|There was no DICOM file)/).waitFor();
  return page.locator(".outcome").innerText();
}

const says = (text, ...all) => all.forEach((one) => must(text.includes(one), `"${one}" is not said: ${text}`));

export const steps = {
  "an archive is dropped: its images are stored, and what is wrong with others is said of each": async (s) => {
    const { page } = s;
    await s.go("/");
    await page.locator("tbody tr").first().waitFor();
    const before = await instances(s);
    const client = await s.context.newCDPSession(page);
    const data = { items: [], files: files(s, "scan.zip"), dragOperationsMask: 1 };
    for (const type of ["dragEnter", "dragOver", "drop"]) await client.send("Input.dispatchDragEvent", { type, x: 600, y: 500, data });
    const text = await outcome(page);
    says(text, "3 images stored, 2 files that are not DICOM left out", "3 refused", "8 of 8 files",
      "scan.zip/scan/inner.zip: an archive within an archive is not opened",
      "scan.zip/scan/secret.dcm: it is encrypted", "scan.zip/scan/broken.dcm: the archive is damaged");
    must((await instances(s)) === before + 3, `${await instances(s)} instances are stored, want 3 more than ${before}`);
    await s.accessible("an upload with refusals");
    await s.picture("archive");
  },

  "an image without preamble and file meta information is stored, and archives made to do harm are refused": async (s) => {
    const { page } = s;
    const before = await instances(s);
    await page.getByLabel("Choose files").last().setInputFiles(files(s, "bomb.zip", "liar.zip", "many.zip", "garbage.zip", "bare"));
    await page.getByText("1 images stored").waitFor();
    says(await outcome(page), "4 refused", "bomb.zip: it unpacks to more than a hundred times its size", "liar.zip/zeros.dcm: the archive is damaged",
      "many.zip: there are more files in the archive than are taken", "garbage.zip: the archive is damaged");
    must((await instances(s)) === before + 1, `${await instances(s)} instances are stored, want 1 more than ${before}`);
    await page.keyboard.press("Escape");
  },

  "an upload is told in Dutch, and again does no harm": async (s) => {
    const { page } = s;
    await page.getByLabel("Language").selectOption("nl");
    const before = await instances(s);
    await page.getByRole("button", { name: "Uploaden" }).click();
    await page.getByLabel("Bestanden kiezen").last().setInputFiles(files(s, "scan.zip", "garbage.zip"));
    await page.getByText("3 beelden opgeslagen").waitFor();
    says(await page.locator(".outcome").innerText(), "4 geweigerd", "garbage.zip: het archief is beschadigd", "inner.zip: een archief in een archief wordt niet geopend");
    must((await instances(s)) === before, "something was stored twice");
    await page.keyboard.press("Escape");
    await page.getByLabel("Taal").selectOption("en");
  },
};
