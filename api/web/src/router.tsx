// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Which view an address shows. Addresses hold UIDs, identifiers and levels, and nothing
// else that is a patient's.

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";

export type Route =
  | { view: "worklist" }
  | { view: "study"; studyUID: string; analysisID: string | undefined; revision: number | undefined }
  | { view: "comparison"; comparisonID: string }
  | { view: "deliveries" }
  | { view: "unknown" };

export const paths = {
  worklist: () => "/",
  study: (studyUID: string, analysisID?: string, level?: string, revision?: number) =>
    `/studies/${studyUID}${analysisID ? `/analyses/${analysisID}` : ""}${revision === undefined ? "" : `/revisions/${revision}`}${level ? `#${level}` : ""}`,
  comparison: (comparisonID: string) => `/comparisons/${comparisonID}`,
  deliveries: () => "/deliveries",
};

export function parse(pathname: string): Route {
  const [first = "", second, third, fourth, fifth, sixth, ...more] = pathname.split("/").filter(Boolean).map(decodeURIComponent);
  if (more.length > 0) return { view: "unknown" };
  if (first === "") return { view: "worklist" };
  if (first === "studies" && second && third === undefined) return { view: "study", studyUID: second, analysisID: undefined, revision: undefined };
  if (first === "studies" && second && third === "analyses" && fourth) {
    const study = { view: "study" as const, studyUID: second, analysisID: fourth };
    if (fifth === undefined) return { ...study, revision: undefined };
    if (fifth === "revisions" && /^\d{1,6}$/.test(sixth ?? "")) return { ...study, revision: Number(sixth) };
  }
  if (first === "comparisons" && second && third === undefined) return { view: "comparison", comparisonID: second };
  if (first === "deliveries" && second === undefined) return { view: "deliveries" };
  return { view: "unknown" };
}

const moved = "endplate:moved";

/** Goes to an address of the page. */
export function navigate(to: string, { replace = false } = {}) {
  if (replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  window.dispatchEvent(new Event(moved));
}

/** The address that is shown: path, and what stands behind # and ? of it. */
export function useLocation(): { route: Route; path: string; hash: string; query: URLSearchParams } {
  const read = () => location.pathname + location.search + location.hash;
  const [, set] = useState(read);
  useEffect(() => {
    const update = () => set(read());
    for (const event of [moved, "popstate", "hashchange"]) window.addEventListener(event, update);
    return () => {
      for (const event of [moved, "popstate", "hashchange"]) window.removeEventListener(event, update);
    };
  }, []);
  return {
    route: parse(location.pathname),
    path: location.pathname,
    hash: decodeURIComponent(location.hash.slice(1)),
    query: new URLSearchParams(location.search),
  };
}

/** A link to a view, which opens in the page unless the reader asks for another tab. */
export function Link({ to, children, ...rest }: {
  to: string;
  children: ComponentChildren;
  class?: string;
  title?: string;
  "aria-label"?: string;
  "aria-current"?: "page" | "true" | undefined;
}) {
  return (
    <a
      {...rest}
      href={to}
      onClick={(e) => {
        if (e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
        e.preventDefault();
        navigate(to);
      }}
    >
      {children}
    </a>
  );
}
