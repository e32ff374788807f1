// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// What results say in words, in the language of the page. The server says it in English
// and tells what each sentence is made of: a template and values. Here are the templates
// in Dutch.

import common from "./dutch/common.json";
import comparison from "./dutch/comparison.json";
import corrections from "./dutch/corrections.json";
import films from "./dutch/films.json";
import findings from "./dutch/findings.json";
import fractures from "./dutch/fractures.json";
import images from "./dutch/images.json";
import stages from "./dutch/stages.json";
import vertebrae from "./dutch/vertebrae.json";
import { language } from "./i18n";
import type { Phrase, PhraseValue } from "./messages";

const dutch: Record<string, string> = { ...common, ...comparison, ...corrections, ...films, ...findings, ...fractures, ...images, ...stages, ...vertebrae };

/** What the sentences of all answers are made of, by the sentence. */
const phrases = new Map<string, Phrase>();

/** Keeps what the sentences of an answer are made of. */
export function learn(some: Record<string, Phrase> | undefined) {
  for (const [sentence, phrase] of Object.entries(some ?? {})) phrases.set(sentence, phrase);
}

const verb = /%(?:\[(\d)\])?(?:s|\+?d|\+?(?:\.\d)?[gf]|%)/g;

/** A phrase in Dutch; undefined where a part of it has none. */
function inDutch({ template = "", values = [] }: Phrase): string | undefined {
  const said = dutch[template];
  if (said === undefined || values.length === 0) return said;
  const parts = values.map(valueInDutch);
  if (parts.includes(undefined)) return undefined;
  let next = 0;
  return said.replace(verb, (v, at?: string) => (v === "%%" ? "%" : parts[at ? Number(at) - 1 : next++] ?? v));
}

function valueInDutch({ number, name, phrase }: PhraseValue): string | undefined {
  if (phrase) return inDutch(phrase);
  if (number !== undefined) return number.replace(".", ",").replace("-", "−");
  return name ?? "";
}

/** A sentence of the server in the language of the page, and the language it is in. */
export function told(sentence: string | undefined): { text: string; lang: "en" | undefined } {
  const text = sentence ?? "";
  if (text === "" || language() === "en") return { text, lang: undefined };
  const said = inDutch(phrases.get(text) ?? { template: text });
  return said === undefined ? { text, lang: "en" } : { text: said, lang: undefined };
}

/** A sentence of the server in the language of the page. */
export const say = (sentence: string | undefined): string => told(sentence).text;

/** A sentence of the server in the language of the page, marked where that is not its own. */
export function Say({ text }: { text: string | undefined }) {
  const said = told(text);
  return said.lang ? <span lang={said.lang}>{said.text}</span> : <>{said.text}</>;
}
