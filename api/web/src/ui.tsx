// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// What every view is made of.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { ApiError } from "./api";
import { because } from "./failures";
import { language, words } from "./i18n";
import { say, told } from "./say";

const t = words(
  {
    loading: "Loading",
    retry: "Try again",
    close: "Close",
    unreachable: "The server cannot be reached ({message}).",
    denied: "This is not among what you may do: {message}.",
    gone: "It is not there: {message}.",
    stale: "Someone else has changed it meanwhile.",
    busy: "The server cannot do it now: {message}.",
  },
  {
    loading: "Laden",
    retry: "Opnieuw proberen",
    close: "Sluiten",
    unreachable: "De server is niet bereikbaar ({message}).",
    denied: "Dit mag u niet: {message}.",
    gone: "Het is er niet: {message}.",
    stale: "Iemand anders heeft het intussen gewijzigd.",
    busy: "De server kan het nu niet: {message}.",
  },
);

/** An error as a sentence. */
export function sentence(error: unknown): string {
  if (!(error instanceof ApiError)) return error instanceof Error ? error.message : String(error);
  if (error.reason === "ERROR_REASON_STALE_REVISION") return t("stale");
  const fields = error.violations.map((v) => (told(v.description).lang || language() === "en" ? "" : say(v.description)));
  const message = fields.some(Boolean) ? fields.join("; ") : because(error.reason, error.message);
  switch (error.status) {
    case 0:
      return t("unreachable", { message });
    case 403:
      return t("denied", { message });
    case 404:
      return t("gone", { message });
    case 503:
      return t("busy", { message });
    default:
      return message;
  }
}

export function ErrorNote({ error, retry }: { error: unknown; retry?: () => void }) {
  return (
    <div class="note bad" role="alert">
      <p>{sentence(error)}</p>
      {retry && <button type="button" onClick={retry}>{t("retry")}</button>}
    </div>
  );
}

export function Loading() {
  return <p class="empty" role="status">{t("loading")}…</p>;
}

/** A bar that tells how much is done, 0 to 1. */
export function Progress({ done, label }: { done: number; label: string }) {
  return <progress max={1} value={done} aria-label={label} title={label} />;
}

/** A window over the page, which Escape closes. */
export function Dialog({ open, close, title, children, wide }: {
  open: boolean;
  close: () => void;
  title: string;
  children: ComponentChildren;
  wide?: boolean;
}) {
  const ref = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const dialog = ref.current!;
    if (open && !dialog.open) dialog.showModal();
    if (!open && dialog.open) dialog.close();
  }, [open]);
  return (
    <dialog
      ref={ref}
      class={wide ? "wide" : undefined}
      aria-labelledby={heading}
      onClose={close}
      onClick={(e) => e.target === e.currentTarget && close()}
    >
      <header>
        <h2 id={heading}>{title}</h2>
        <button type="button" onClick={close} aria-label={t("close")}>✕</button>
      </header>
      {open && children}
    </dialog>
  );
}

/** What a promise gives, what it fails with, and the way to ask again. */
export interface Loaded<T> {
  value: T | undefined;
  error: unknown;
  reload: () => void;
}

/** Loads something when a component is shown and when what it depends on changes. The last value stays until the next is there. */
export function useLoaded<T>(load: (signal: AbortSignal) => Promise<T>, depends: readonly unknown[]): Loaded<T> {
  const [state, set] = useState<{ value: T | undefined; error: unknown }>({ value: undefined, error: undefined });
  const [turn, again] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    load(stop.signal).then(
      (value) => stop.signal.aborted || set({ value, error: undefined }),
      (error: unknown) => stop.signal.aborted || set((before) => ({ value: before.value, error })),
    );
    return () => stop.abort();
  }, [...depends, turn]);
  return { ...state, reload: () => again((n) => n + 1) };
}
