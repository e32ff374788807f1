// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// The frame about every view: who reads, where they can go, language, theme and keys.

import { useEffect, useState } from "preact/hooks";
import { api, ApiError, onRefused } from "./api";
import { Help } from "./help";
import { languages, type Language, setLanguage, useLanguage, words } from "./i18n";
import { handle, useKeys } from "./keys";
import type { Caller } from "./messages";
import { ComparisonPage } from "./pages/compare";
import { DeliveriesPage } from "./pages/deliveries";
import { SignIn } from "./pages/signin";
import { StudyPage } from "./pages/study";
import { WorklistPage } from "./pages/worklist";
import { Link, navigate, paths, useLocation } from "./router";
import { CallerContext, setToken, token } from "./session";
import { setTheme, type Theme, theme } from "./theme";
import { ErrorNote, Loading } from "./ui";

const t = words(
  {
    skip: "Skip to the content",
    studies: "Studies",
    deliveries: "Deliveries",
    main: "Main",
    signOut: "Sign out",
    keys: "Keys",
    language: "Language",
    theme: "Theme",
    system: "System",
    dark: "Dark",
    light: "Light",
    anywhere: "Anywhere",
    help: "show or hide the keys",
    toStudies: "to the studies",
    notThere: "There is nothing at this address.",
    research: "For research, not for diagnosis.",
  },
  {
    skip: "Naar de inhoud",
    studies: "Onderzoeken",
    deliveries: "Leveringen",
    main: "Hoofdmenu",
    signOut: "Afmelden",
    keys: "Toetsen",
    language: "Taal",
    theme: "Thema",
    system: "Systeem",
    dark: "Donker",
    light: "Licht",
    anywhere: "Overal",
    help: "de toetsen tonen of verbergen",
    toStudies: "naar de onderzoeken",
    notThere: "Op dit adres is niets.",
    research: "Voor onderzoek, niet voor diagnostiek.",
  },
);

type Session = { caller: Caller } | { error: unknown } | "signed out" | "unknown";

export function App() {
  useLanguage();
  const [session, setSession] = useState<Session>("unknown");
  const load = () => {
    setSession("unknown");
    api.caller().then(
      (r) => setSession({ caller: r.caller ?? {} }),
      (e: unknown) => setSession(e instanceof ApiError && e.status === 401 ? "signed out" : { error: e }),
    );
  };
  useEffect(() => {
    onRefused(() => setSession("signed out"));
    document.addEventListener("keydown", handle);
    load();
    return () => document.removeEventListener("keydown", handle);
  }, []);

  const signOut = () => {
    setToken("");
    load();
  };
  if (session === "unknown") return <Loading />;
  if (session === "signed out") return <SignIn again={token() !== ""} done={load} />;
  if ("error" in session) return <main class="narrow"><ErrorNote error={session.error} retry={load} /></main>;
  return (
    <CallerContext.Provider value={session.caller}>
      <Frame signOut={token() === "" ? undefined : signOut} />
    </CallerContext.Provider>
  );
}

function Frame({ signOut }: { signOut: (() => void) | undefined }) {
  const { route } = useLocation();
  const [help, setHelp] = useState(false);
  useKeys(t("anywhere"), [
    { key: "?", label: t("help"), run: () => setHelp(true) },
    { key: "Alt+w", label: t("toStudies"), run: () => navigate(paths.worklist()) },
  ]);
  return (
    <>
      <a class="skip" href="#content" onClick={skip}>{t("skip")}</a>
      <header class="bar">
        <Link to={paths.worklist()} class="brand">endplate</Link>
        <nav aria-label={t("main")}>
          <Link to={paths.worklist()} aria-current={route.view === "worklist" ? "page" : undefined}>{t("studies")}</Link>
          <Link to={paths.deliveries()} aria-current={route.view === "deliveries" ? "page" : undefined}>{t("deliveries")}</Link>
        </nav>
        <small class="research">{t("research")}</small>
        <Settings />
        <button type="button" onClick={() => setHelp(true)}>{t("keys")} <kbd>?</kbd></button>
        <Who signOut={signOut} />
      </header>
      <main id="content" tabIndex={-1}><View /></main>
      <Help open={help} close={() => setHelp(false)} />
    </>
  );
}

/** Moves the focus past the bar without changing the address. */
function skip(e: Event) {
  e.preventDefault();
  document.getElementById("content")?.focus();
}

function Settings() {
  const [chosen, choose] = useState(theme());
  return (
    <>
      <label>
        <span class="hidden">{t("language")}</span>
        <select value={useLanguage()} onChange={(e) => setLanguage(e.currentTarget.value as Language)}>
          {languages.map((l) => <option key={l.code} value={l.code} lang={l.code}>{l.name}</option>)}
        </select>
      </label>
      <label>
        <span class="hidden">{t("theme")}</span>
        <select
          value={chosen}
          onChange={(e) => {
            setTheme(e.currentTarget.value as Theme);
            choose(theme());
          }}
        >
          {(["system", "dark", "light"] as const).map((one) => <option key={one} value={one}>{t(one)}</option>)}
        </select>
      </label>
    </>
  );
}

function Who({ signOut }: { signOut: (() => void) | undefined }) {
  return (
    <CallerContext.Consumer>
      {(caller) => (
        <>
          <span class="who" title={caller.roles?.join(", ").toLowerCase()}>{caller.subject}</span>
          {signOut && <button type="button" onClick={signOut}>{t("signOut")}</button>}
        </>
      )}
    </CallerContext.Consumer>
  );
}

function View() {
  const { route } = useLocation();
  switch (route.view) {
    case "worklist":
      return <WorklistPage />;
    case "study":
      return <StudyPage key={`${route.studyUID} ${route.analysisID} ${route.revision}`} studyUID={route.studyUID} analysisID={route.analysisID} revision={route.revision} />;
    case "comparison":
      return <ComparisonPage key={route.comparisonID} comparisonID={route.comparisonID} />;
    case "deliveries":
      return <DeliveriesPage />;
    case "unknown":
      return <p class="empty">{t("notThere")}</p>;
  }
}
