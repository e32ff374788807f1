// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Two analyses of one series, which no date tells apart.

import { must, until } from "./setting.mjs";

export const steps = {
  "two analyses of one series are told apart by revision and settings": async (s) => {
    const { page } = s;
    const { body } = await s.call(s.tokens.read, "GET", `/v1/analyses/${s.before.analysis_id}`);
    const { center } = body.analysis.report.analyses[0].vertebrae.find((v) => v.level === "L3");
    const made = await s.call(s.tokens.administer, "POST", "/v1/analyses",
      { series_instance_uid: s.before.series_instance_uid, options: { fixed_level: { level: "L3", position: center } } });
    must(made.status === 200, `the second analysis: ${JSON.stringify(made.body)}`);
    const ids = [made.body.analysis.analysis_id, s.before.analysis_id];
    const compared = await s.call(s.tokens.administer, "POST", "/v1/comparisons", { analysis_ids: ids });
    await s.go(`/comparisons/${compared.body.comparison.comparison_id}`);
    await page.locator(".pictures svg image").nth(1).waitFor();
    const links = page.locator(".examinations li");
    await until(async () => (await links.allInnerTexts()).every((text) => /analysis of/.test(text)), "the analyses are not named");
    const [first, second] = await links.allInnerTexts();
    const { revision } = body.analysis;
    must(/automatic result/.test(first) && /L3 given/.test(first), `the first is called ${first}`);
    must(second.includes(`revision ${revision.number}`) && !/given/.test(second), `the second is called ${second}, its revision is ${revision.number}`);
    // Each picture is that of the analysis that it is named after.
    const linked = await page.locator(".pictures figcaption a").evaluateAll((all) => all.map((a) => a.getAttribute("href")));
    must(linked.length === 2 && linked.every((href, i) => href.includes(ids[i])), `the pictures are of ${linked}, want ${ids}`);
    await s.accessible("comparison of one series");
    await s.picture("alike");
  },
};
