// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// The page's words in the languages that it speaks. Each view keeps its own words:
//
//   const t = words({ title: "Studies", of: "{n} of {all}" }, { title: "Onderzoeken", of: "{n} van {all}" });
//   t("title"); t("of", { n: 1, all: 2 });

import { useEffect, useState } from "preact/hooks";

export type Language = "en" | "nl";

export const languages: { code: Language; name: string }[] = [
  { code: "en", name: "English" },
  { code: "nl", name: "Nederlands" },
];

const kept = "endplate.language";
const changed = new EventTarget();
let current: Language = initial();

function initial(): Language {
  const chosen = localStorage.getItem(kept) ?? navigator.language.slice(0, 2);
  return chosen === "nl" ? "nl" : "en";
}

export function language(): Language {
  return current;
}

export function setLanguage(code: Language) {
  localStorage.setItem(kept, code);
  current = code;
  document.documentElement.lang = code;
  changed.dispatchEvent(new Event("change"));
}

/** Has a component drawn again when the reader chooses another language. */
export function useLanguage(): Language {
  const [now, set] = useState(current);
  useEffect(() => {
    const update = () => set(current);
    changed.addEventListener("change", update);
    return () => changed.removeEventListener("change", update);
  }, []);
  return now;
}

export type Parameters = Record<string, string | number>;

/** Words in English and, with the same keys, in Dutch. */
export function words<T extends Record<string, string>>(en: T, nl: { [K in keyof T]: string }) {
  return (key: keyof T, parameters?: Parameters): string => {
    const text: string = (current === "nl" ? nl : en)[key];
    if (!parameters) return text;
    return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(parameters[name] ?? whole));
  };
}

/** A number with so many decimals, as the language writes it; a dash where there is none. */
export function number(value: number | undefined, decimals = 1): string {
  if (value === undefined || !Number.isFinite(value)) return "–";
  const text = value.toFixed(decimals);
  const plain = Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
  return current === "nl" ? plain.replace(".", ",") : plain;
}

/** A number with its standard deviation, both with so many decimals. */
export function withSD(value: number | undefined, sd: number | undefined, decimals = 1): string {
  if (value === undefined || sd === undefined) return number(value, decimals);
  return `${number(value, decimals)} ± ${number(sd, decimals)}`;
}

/** A date and time of DICOM (DT) as YYYY-MM-DD hh:mm, as far as it is known. */
export function dicomDateTime(dt: string | undefined): string {
  const m = /^(\d{4})(\d{2})?(\d{2})?(\d{2})?(\d{2})?/.exec(dt ?? "");
  if (!m) return "–";
  const [, year, month, day, hour, minute] = m;
  const date = [year, month, day].filter(Boolean).join("-");
  return hour && minute ? `${date} ${hour}:${minute}` : date;
}

/** A moment as the reader's clock shows it. */
export function moment(timestamp: string | undefined): string {
  if (!timestamp) return "–";
  const at = new Date(timestamp);
  const two = (n: number) => String(n).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** A patient's name, whose components DICOM separates by carets. */
export function personName(pn: string | undefined): string {
  const [family = "", given = "", middle = ""] = (pn ?? "").split("=")[0]!.split("^");
  const rest = [given, middle].filter(Boolean).join(" ");
  return [family, rest].filter(Boolean).join(", ");
}
