// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

import { useState } from "preact/hooks";
import { words } from "../i18n";
import { setToken } from "../session";

const t = words(
  {
    title: "Sign in",
    token: "Token",
    hint: "The bearer token that the server's operator, or your OpenID Connect issuer, gave you. It is kept until this tab is closed.",
    enter: "Sign in",
    again: "The server does not take this token.",
  },
  {
    title: "Aanmelden",
    token: "Token",
    hint: "Het bearer-token dat u van de beheerder van de server of van uw OpenID Connect-uitgever kreeg. Het blijft bewaard tot dit tabblad sluit.",
    enter: "Aanmelden",
    again: "De server aanvaardt dit token niet.",
  },
);

/** Asks for a token; again says that the one before was refused. */
export function SignIn({ again, done }: { again: boolean; done: () => void }) {
  const [value, setValue] = useState("");
  return (
    <main class="narrow">
      <h1>endplate</h1>
      <form
        class="card"
        onSubmit={(e) => {
          e.preventDefault();
          setToken(value.trim());
          done();
        }}
      >
        <h2>{t("title")}</h2>
        {again && <p class="note bad" role="alert">{t("again")}</p>}
        <label>
          {t("token")}
          <input
            type="password"
            name="token"
            autoComplete="off"
            required
            autoFocus
            value={value}
            aria-describedby="token-hint"
            onInput={(e) => setValue(e.currentTarget.value)}
          />
        </label>
        <p id="token-hint" class="muted">{t("hint")}</p>
        <button class="primary" type="submit">{t("enter")}</button>
      </form>
    </main>
  );
}
