/** For administrators: halts, the kill switch, the end of a user's orders, what is set, and what waits. */

import { createSignal, For, Show } from "solid-js";
import type { JSX } from "solid-js";

import { useShared } from "../app/context.js";
import { Office } from "../app/office.js";
import { lotsText } from "../model/money.js";
import { limitText } from "../model/marketSettings.js";
import { stateSentence } from "../model/stateWords.js";
import { momentText } from "../model/times.js";
import { Field, Kills, Proposals, Section, Sure } from "./OfficeParts.jsx";

export function Administration(): JSX.Element {
  const { desk } = useShared();
  const office = new Office(desk);
  const [reason, setReason] = createSignal("");
  const [user, setUser] = createSignal("");
  const settings = office.settings;
  const setState = (instrument: string, state: string) => void office.propose({ action: "set_market_state", instrument, state, reason: state === "halted" ? reason() : "" });
  return (
    <div class="office scroll" tabindex={0} role="region" aria-label="Administration">
      <Show when={office.trouble() !== ""}><p class="note bad">{office.trouble()}</p></Show>
      <Show when={settings()?.needsTwo === false}><p class="note warn">This market was begun without the second person: whatever is proposed is done at once.</p></Show>
      <Proposals office={office} />
      <Section title="Halts">
        <div class="office-form"><Field label="Reason of a halt, told to everybody" value={reason()} hint="news pending" onInput={setReason} /></div>
        <div class="scroll" tabindex={0} role="region" aria-label="Halts, all columns">
          <table class="grid">
            <thead><tr><th scope="col">Instrument</th><th scope="col">State</th><th scope="col"><span class="hidden">Actions</span></th></tr></thead>
            <tbody>
              <For each={desk.symbols()}>
                {(symbol) => {
                  const status = () => desk.entry(symbol).status();
                  return (
                    <tr>
                      <td>{symbol}</td>
                      <td><span class="badge" data-state={status()?.state ?? "open"}>{stateSentence(status())}</span></td>
                      <td class="actions">
                        <Show when={status()?.state !== "halted"} fallback={<Sure onSure={() => setState(symbol, "open")}>Propose to resume</Sure>}>
                          <Sure onSure={() => setState(symbol, "halted")}>Halt now</Sure>
                        </Show>
                        <Show when={status()?.state === "auction"}><Sure onSure={() => void office.propose({ action: "end_call", instrument: symbol })}>Propose to end the call</Sure></Show>
                      </td>
                    </tr>
                  );
                }}
              </For>
            </tbody>
          </table>
        </div>
      </Section>
      <Kills office={office} canAct />
      <Section title="End a user's orders">
        <div class="office-form">
          <Field label="User" value={user()} onInput={setUser} />
          <Sure class="danger-border" disabled={user().trim() === ""} onSure={() => void office.propose({ action: "end_orders", user: user().trim() })}>End orders now</Sure>
        </div>
      </Section>
      <Section title="Limits">
        <Show when={(settings()?.limits.length ?? 0) > 0} fallback={<p class="quiet">No limits are set.</p>}>
          <ul class="plain"><For each={settings()?.limits ?? []}>{(row) => <li><strong>{row.owner}</strong>{row.instrument === "" ? "" : ` in ${row.instrument}`}: {Object.entries(row.limits).filter(([, value]) => value !== null).map(([name, value]) => `${name.replace(/_/g, " ")} ${limitText(name, value)}`).join(", ")}</li>}</For></ul>
        </Show>
      </Section>
      <Section title="Groups">
        <Show when={(settings()?.groups.length ?? 0) > 0} fallback={<p class="quiet">Nobody is in a group.</p>}>
          <ul class="plain"><For each={settings()?.groups ?? []}>{(row) => <li><strong>{row.user}</strong>: {row.groups.join(", ")}</li>}</For></ul>
        </Show>
      </Section>
      <Section title="Calendars">
        <Show when={(settings()?.calendars.length ?? 0) > 0} fallback={<p class="quiet">No days are planned.</p>}>
          <ul class="plain"><For each={settings()?.calendars ?? []}>{(row) => <li><strong>{row.name}</strong>: {lotsText(row.days)} trading days ahead, planned until {momentText(row.until)}</li>}</For></ul>
        </Show>
      </Section>
    </div>
  );
}
