// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

import { filmLayers, layers } from "./overlay";
import { filmPresets, presets, type ViewState } from "./views";
import { t } from "./words";

/** The tools' signs as paths of 16 by 16: not every system has a letter for them. */
const signs = {
  scroll: "M8 0l3.5 3.5h-7zM2 5.5h12v1.6H2zM2 8.9h12v1.6H2zM8 16l3.5-3.5h-7z",
  window: "M8 1a7 7 0 1 0 0 14A7 7 0 1 0 8 1M8 2.5v11a5.5 5.5 0 0 1 0-11z",
  pan: "M8 0l3 3H9v4h4V5l3 3-3 3V9H9v4h2l-3 3-3-3h2V9H3v2L0 8l3-3v2h4V3H5z",
  crosshair: "M7 0h2v6H7zM7 10h2v6H7zM0 7h6v2H0zM10 7h6v2h-6z",
};

const tools = ["scroll", "window", "pan", "crosshair"] as const;

const thicknesses = [0, 2, 5, 10];

/** Window, tool, thickness and what lies over the images; of a film, which has no slices, what it has of these. */
export function Toolbar({ views, film }: { views: ViewState; film: boolean }) {
  const { window } = views;
  const all = film ? filmPresets : presets;
  const preset = all.find((p) => p.center === window.center && p.width === window.width);
  return (
    <div class="tools" role="toolbar" aria-label={t("tools")}>
      <label>
        <span class="hidden">{t("window")}</span>
        <select
          value={preset?.name ?? ""}
          onChange={(e) => {
            const chosen = all.find((p) => p.name === e.currentTarget.value);
            if (chosen) views.setWindow(chosen);
          }}
        >
          {all.map((p) => <option key={p.name} value={p.name}>{t(p.name)}</option>)}
          {!preset && <option value="">{window.center} / {window.width}</option>}
        </select>
      </label>
      <span class="buttons">
        {tools.filter((tool) => tool !== "scroll" || !film).map((tool) => (
          <button key={tool} type="button" aria-pressed={views.tool === tool} title={t(`${tool}Tool`)} onClick={() => views.setTool(tool)}>
            <svg class="sign" viewBox="0 0 16 16" aria-hidden="true"><path fill-rule="evenodd" d={signs[tool]} /></svg>
            <span class="hidden">{t(tool)}</span>
          </button>
        ))}
      </span>
      {!film && (
        <>
          <label>
            <span class="hidden">{t("slab")}</span>
            <select value={views.slab} onChange={(e) => views.setSlab(Number(e.currentTarget.value))}>
              {thicknesses.map((mm) => <option key={mm} value={mm}>{mm === 0 ? t("thin") : t("slabOf", { mm })}</option>)}
            </select>
          </label>
          <button type="button" aria-pressed={views.follows} title={t("followsHint")} onClick={() => views.setFollows(!views.follows)}>{t("follows")}</button>
        </>
      )}
      <button type="button" onClick={views.resetZoom}>{t("fit")}</button>
      <details class="layers">
        <summary>{t("overlays")}</summary>
        <div>
          {(film ? filmLayers : layers).map((layer) => (
            <label key={layer}>
              <input type="checkbox" checked={views.shown.has(layer)} onChange={() => views.toggle(layer)} />
              {t(`layer_${layer}`)}
            </label>
          ))}
        </div>
      </details>
    </div>
  );
}
