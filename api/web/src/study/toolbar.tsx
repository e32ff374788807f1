// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

import { layers } from "./overlay";
import { presets, type ViewState } from "./views";
import { t } from "./words";

const signs = { window: "◐", pan: "✥", crosshair: "⌖" };

const thicknesses = [0, 2, 5, 10];

/** Window, tool, thickness and what lies over the images. */
export function Toolbar({ views }: { views: ViewState }) {
  const { window } = views;
  const preset = presets.find((p) => p.center === window.center && p.width === window.width);
  return (
    <div class="tools" role="toolbar" aria-label={t("tools")}>
      <label>
        {t("window")}
        <select
          value={preset?.name ?? ""}
          onChange={(e) => {
            const chosen = presets.find((p) => p.name === e.currentTarget.value);
            if (chosen) views.setWindow(chosen);
          }}
        >
          {presets.map((p) => <option key={p.name} value={p.name}>{t(p.name)}</option>)}
          {!preset && <option value="">{window.center} / {window.width}</option>}
        </select>
      </label>
      <span class="buttons">
        {(["window", "pan", "crosshair"] as const).map((tool) => (
          <button key={tool} type="button" aria-pressed={views.tool === tool} title={t(`${tool}Tool`)} onClick={() => views.setTool(tool)}>
            <span aria-hidden="true">{signs[tool]}</span><span class="hidden">{t(tool)}</span>
          </button>
        ))}
      </span>
      <label>
        <span class="hidden">{t("slab")}</span>
        <select value={views.slab} onChange={(e) => views.setSlab(Number(e.currentTarget.value))}>
          {thicknesses.map((mm) => <option key={mm} value={mm}>{mm === 0 ? t("thin") : t("slabOf", { mm })}</option>)}
        </select>
      </label>
      <button type="button" onClick={views.resetZoom}>{t("fit")}</button>
      <details class="layers">
        <summary>{t("overlays")}</summary>
        <div>
          {layers.map((layer) => (
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
