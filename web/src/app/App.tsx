/** The page: logging in, or the desk. */

import { createEffect, createResource, createSignal, Match, onCleanup, Show, Switch } from "solid-js";
import type { JSX } from "solid-js";

import { Desk } from "./desk.js";
import { setToken, token } from "./login.js";
import { pageSettings, streamUrl, whatIsMissing } from "./pageSettings.js";
import { DeskView } from "../views/DeskView.jsx";
import { Login } from "../views/Login.jsx";

export function App(): JSX.Element {
  const [settings] = createResource(pageSettings);
  const [why, setWhy] = createSignal("");
  const missing = whatIsMissing();
  return (
    <Switch>
      <Match when={missing !== ""}><main class="login"><p class="panel login-card note bad" role="alert">{missing}</p></main></Match>
      <Match when={settings()}>
        {(found) => (
          <Show when={token() !== ""} fallback={<Login settings={found()} why={why()} onToken={(given) => { setWhy(""); setToken(given); }} onCompany={() => undefined} />}>
            <Following>{(desk) => <DeskView desk={desk} settings={found()} onLogout={(reason) => { setWhy(reason); setToken(""); }} />}</Following>
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
  createEffect(() => desk.start(streamUrl(), token()));
  onCleanup(() => {
    desk.stop();
    worker.terminate();
  });
  return props.children(desk);
}
