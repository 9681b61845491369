/** Logging in: by the company's login where there is one, else by a token. */

import { createSignal, Show } from "solid-js";
import type { JSX } from "solid-js";

import { isSecure } from "../app/pageSettings.js";
import type { PageSettings } from "../app/pageSettings.js";
import { claimsOf } from "../model/tokenClaims.js";

export function Login(props: { readonly settings: PageSettings; readonly why: string; readonly onToken: (token: string) => void; readonly onCompany: () => void }): JSX.Element {
  const [typed, setTyped] = createSignal("");
  const [wrong, setWrong] = createSignal("");
  const send = (event: SubmitEvent) => {
    event.preventDefault();
    const token = typed().trim();
    if (claimsOf(token) === null) return setWrong("This is no token: it has three parts with dots between, such as outcry token mint prints.");
    props.onToken(token);
    return undefined;
  };
  return (
    <main class="login">
      <form class="panel login-card" onSubmit={send}>
        <h1><span class="mark" aria-hidden="true" />OpenOutcry</h1>
        <p class="quiet">The market of this company. Every book on this page is verified against the exchange.</p>
        <Show when={props.why !== ""}><p class="note bad" role="alert">{props.why}</p></Show>
        <Show when={props.settings.oidc !== null}>
          <button type="button" class="primary wide" disabled={!isSecure()} onClick={props.onCompany}>Log in with the company's account</button>
          <Show when={!isSecure()}>
            <p class="note warn">This page came over plain http. Browsers allow the company's login only over https. Open the page by its https address, or paste a token.</p>
          </Show>
          <p class="or">or</p>
        </Show>
        <Show when={props.settings.oidc === null && !isSecure()}>
          <p class="note warn">This page came over plain http: whoever sits on the way can read the token. Use https outside of a trial.</p>
        </Show>
        <label for="token">Token</label>
        <input
          id="token" type="password" autocomplete="off" spellcheck={false} value={typed()} aria-describedby="token-help token-wrong" aria-invalid={wrong() !== ""}
          onInput={({ currentTarget }) => { setTyped(currentTarget.value); setWrong(""); }}
        />
        <p id="token-help" class="quiet small">It is kept for this tab alone. <code>outcry up</code> prints one for a trial.</p>
        <p id="token-wrong" class="field-error" role="alert">{wrong()}</p>
        <button type="submit" class={props.settings.oidc === null ? "primary wide" : "wide"} disabled={typed().trim() === ""}>Log in</button>
      </form>
    </main>
  );
}
