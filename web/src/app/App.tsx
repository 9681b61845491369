/** The page: logging in, or the desk. */

import { createEffect, createResource, createSignal, Match, on, onCleanup, Show, Switch } from "solid-js";
import type { JSX } from "solid-js";

import { companyLogin } from "./companyLogin.js";
import type { CompanyLogin } from "./companyLogin.js";
import { Desk } from "./desk.js";
import { setToken, token } from "./login.js";
import { isSecure, pageSettings, streamUrl, whatIsMissing } from "./pageSettings.js";
import { DeskView } from "../views/DeskView.jsx";
import { Login } from "../views/Login.jsx";

export function App(): JSX.Element {
  const [why, setWhy] = createSignal("");
  let company: CompanyLogin | null = null;
  const [settings] = createResource(async () => {
    const found = await pageSettings();
    if (found.oidc === null || !isSecure()) return found;
    try {
      company = await companyLogin(found.oidc, setToken, setWhy);
    } catch {
      setWhy("The company's login could not be loaded. A token may be pasted.");
    }
    return found;
  });
  const missing = whatIsMissing();
  const goToCompany = () => {
    company?.go().catch((error: unknown) => setWhy(`The company's login does not answer: ${error instanceof Error ? error.message : String(error)}`));
  };
  const leave = (reason: string) => {
    setWhy(reason);
    void company?.leave();
    setToken("");
  };
  return (
    <Switch>
      <Match when={missing !== ""}><main class="login"><p class="panel login-card note bad" role="alert">{missing}</p></main></Match>
      <Match when={settings()}>
        {(found) => (
          <Show when={token() !== ""} fallback={<Login settings={found()} why={why()} onToken={(given) => { setWhy(""); setToken(given); }} onCompany={goToCompany} />}>
            <Following>{(desk) => <DeskView desk={desk} settings={found()} trouble={why()} onLogout={leave} />}</Following>
          </Show>
        )}
      </Match>
    </Switch>
  );
}

/** The worker lives as long as somebody is logged in. */
function Following(props: { readonly children: (desk: Desk) => JSX.Element }): JSX.Element {
  const worker = new Worker(new URL("../worker/main.ts", import.meta.url), { type: "module", name: "market" });
  const desk = new Desk(worker);
  desk.start(streamUrl(), token());
  // A newer token goes on with what is followed: the session is extended by it.
  createEffect(on(token, (newer) => newer !== "" && desk.renew(newer), { defer: true }));
  onCleanup(() => {
    desk.stop();
    worker.terminate();
  });
  return props.children(desk);
}
