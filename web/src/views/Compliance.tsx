/** For compliance, and for auditors to read: the company's rules, clearances, who was refused what, and what waits. */

import { createResource, createSignal, For, Show } from "solid-js";
import type { JSX } from "solid-js";

import { useShared } from "../app/context.js";
import { hasRole } from "../app/login.js";
import { Office } from "../app/office.js";
import { SIDE_WORD } from "../app/trading.js";
import { lotsText, NONE } from "../model/money.js";
import { microseconds } from "../model/executionRows.js";
import { momentText } from "../model/times.js";
import { Choice, Field, Kills, momentUs, names, Proposals, Section, Sure } from "./OfficeParts.jsx";

const KINDS: readonly (readonly [string, string])[] = [
  ["blackout", "Blackout"], ["restricted", "Restricted"], ["window", "Window"], ["clearance", "Needs clearance"], ["holding_period", "Holding period"], ["short_swing", "Short swing"],
  ["sell_share", "Share that may be sold"],
];

export function Compliance(): JSX.Element {
  const { desk } = useShared();
  const office = new Office(desk);
  const canAct = hasRole("compliance", "admin");
  return (
    <div class="office scroll" tabindex={0} role="region" aria-label="Compliance">
      <Show when={office.trouble() !== ""}><p class="note bad">{office.trouble()}</p></Show>
      <Show when={canAct}><Proposals office={office} /></Show>
      <Rules office={office} canAct={canAct} />
      <Clearances office={office} canAct={canAct} />
      <Kills office={office} canAct={canAct} />
      <Refusals />
    </div>
  );
}

function Rules(props: { readonly office: Office; readonly canAct: boolean }): JSX.Element {
  const { desk } = useShared();
  const [id, setId] = createSignal("");
  const [kind, setKind] = createSignal("blackout");
  const [groups, setGroups] = createSignal("");
  const [instruments, setInstruments] = createSignal("");
  const [from, setFrom] = createSignal("");
  const [until, setUntil] = createSignal("");
  const [amount, setAmount] = createSignal("");
  const [isDiscreet, setDiscreet] = createSignal(false);
  const [forbidsExercise, setForbidsExercise] = createSignal(false);
  const rules = () => props.office.settings()?.rules ?? [];
  const hasDays = () => kind() === "holding_period" || kind() === "short_swing";
  const send = () =>
    void props.office.propose({
      action: "set_rule", rule_id: id().trim(), kind: kind(), groups: names(groups()), instruments: names(instruments()), from_us: momentUs(from()), until_us: momentUs(until()),
      ...(hasDays() ? { days: Number(amount()) } : {}), ...(kind() === "sell_share" ? { share_bp: Math.round(Number(amount()) * 100) } : {}),
      ...(forbidsExercise() ? { exercise: true } : {}), ...(isDiscreet() ? { discreet: true } : {}),
    });
  return (
    <Section title="Rules">
      <Show when={rules().length > 0} fallback={<p class="quiet">There are no rules.</p>}>
        <div class="scroll" tabindex={0} role="region" aria-label="Rules, all columns">
          <table class="grid">
            <thead><tr><th scope="col">Rule</th><th scope="col">Kind</th><th scope="col">Groups</th><th scope="col">Instruments</th><th scope="col">From</th><th scope="col">Until</th><th scope="col">State</th><th scope="col"><span class="hidden">Actions</span></th></tr></thead>
            <tbody>
              <For each={rules()}>
                {(rule) => (
                  <tr>
                    <td>{rule.id}</td>
                    <td>{KINDS.find(([name]) => name === rule.kind)?.[1] ?? rule.kind}{Object.entries(rule.parameters).map(([name, value]) => ` ${name} ${String(value)}`).join("")}</td>
                    <td>{rule.groups.join(", ") || "everybody"}</td>
                    <td>{rule.instruments.join(", ") || "all"}</td>
                    <td>{rule.from === 0 ? "at once" : momentText(rule.from)}</td>
                    <td>{rule.until === 0 ? "open" : momentText(rule.until)}</td>
                    <td>{rule.isInForce ? "in force" : "not in force"}{rule.isDiscreet ? ", discreet" : ""}</td>
                    <td class="actions"><Show when={props.canAct}><Sure onSure={() => void props.office.propose({ action: "set_rule", rule_id: rule.id, kind: "" })}>Propose to remove</Sure></Show></td>
                  </tr>
                )}
              </For>
            </tbody>
          </table>
        </div>
      </Show>
      <Show when={props.canAct}>
        <div class="office-form">
          <Field label="Name of the rule" value={id()} onInput={setId} />
          <Choice label="Kind" value={kind()} options={KINDS} onChange={setKind} />
          <Field label="Groups (none: everybody)" value={groups()} onInput={setGroups} />
          <Field label="Instruments (none: all)" value={instruments()} onInput={setInstruments} list={desk.symbols()} />
          <Field label="From (empty: at once)" type="datetime-local" value={from()} onInput={setFrom} />
          <Field label="Until (empty: open)" type="datetime-local" value={until()} onInput={setUntil} />
          <Show when={hasDays()}><Field label="Days" value={amount()} onInput={setAmount} /></Show>
          <Show when={kind() === "sell_share"}><Field label="Share, per cent" value={amount()} onInput={setAmount} /></Show>
          <label class="inline"><input type="checkbox" checked={isDiscreet()} onChange={({ currentTarget }) => setDiscreet(currentTarget.checked)} /> Discreet</label>
          <label class="inline"><input type="checkbox" checked={forbidsExercise()} onChange={({ currentTarget }) => setForbidsExercise(currentTarget.checked)} /> Forbids exercise</label>
          <Sure class="" disabled={id().trim() === ""} onSure={send}>Set rule</Sure>
        </div>
      </Show>
    </Section>
  );
}

function Clearances(props: { readonly office: Office; readonly canAct: boolean }): JSX.Element {
  const { desk } = useShared();
  const [id, setId] = createSignal("");
  const [user, setUser] = createSignal("");
  const [instrument, setInstrument] = createSignal("");
  const [side, setSide] = createSignal("ask");
  const [lots, setLots] = createSignal("");
  const [until, setUntil] = createSignal("");
  const clearances = () => props.office.settings()?.clearances ?? [];
  const isWhole = () => [id(), user(), instrument(), lots(), until()].every((each) => each.trim() !== "");
  return (
    <Section title="Clearances">
      <Show when={clearances().length > 0} fallback={<p class="quiet">No clearance holds.</p>}>
        <div class="scroll" tabindex={0} role="region" aria-label="Clearances, all columns">
          <table class="grid">
            <thead><tr><th scope="col">Clearance</th><th scope="col">User</th><th scope="col">Side</th><th scope="col">Instrument</th><th scope="col" class="n">Lots</th><th scope="col" class="n">Used</th><th scope="col">Until</th><th scope="col"><span class="hidden">Actions</span></th></tr></thead>
            <tbody>
              <For each={clearances()}>
                {(row) => (
                  <tr>
                    <td>{row.id}</td><td>{row.user}</td><td>{SIDE_WORD[row.side === "bid" ? "bid" : "ask"]}</td><td>{row.instrument}</td><td class="n">{lotsText(row.lots)}</td><td class="n">{lotsText(row.used)}</td><td>{momentText(row.until)}</td>
                    <td class="actions"><Show when={props.canAct}><Sure onSure={() => void props.office.propose({ action: "set_clearance", clearance_id: row.id, lots: 0 })}>Revoke</Sure></Show></td>
                  </tr>
                )}
              </For>
            </tbody>
          </table>
        </div>
      </Show>
      <Show when={props.canAct}>
        <div class="office-form">
          <Field label="Name of the clearance" value={id()} onInput={setId} />
          <Field label="User" value={user()} onInput={setUser} />
          <Choice label="May" value={side()} options={[["ask", "sell"], ["bid", "buy"]]} onChange={setSide} />
          <Field label="Lots" value={lots()} onInput={setLots} />
          <Field label="Instrument" value={instrument()} onInput={setInstrument} list={desk.symbols()} />
          <Field label="Until" type="datetime-local" value={until()} onInput={setUntil} />
          <Sure class="" disabled={!isWhole()} onSure={() => void props.office.propose({ action: "set_clearance", clearance_id: id().trim(), user: user().trim(), instrument: instrument().trim(), side: side(), lots: Number(lots()), until_us: momentUs(until()) })}>Propose clearance</Sure>
        </div>
      </Show>
    </Section>
  );
}

/** Who was refused what, by which rule: of the record. */
function Refusals(): JSX.Element {
  const { ledger } = useShared();
  const [code, setCode] = createSignal("");
  const [user, setUser] = createSignal("");
  const [trouble, setTrouble] = createSignal("");
  const [cursors, setCursors] = createSignal<readonly string[]>([]);
  const question = () => ({ code: code().trim(), user: user().trim(), cursor: cursors().at(-1) ?? "" });
  const [page, { refetch }] = createResource(question, async (asked) => {
    if (!ledger.isThere || !hasRole("compliance", "auditor")) return { rows: [], next: null };
    try {
      const given = Object.fromEntries(Object.entries({ ...asked, order: "desc", limit: 100 }).filter(([, value]) => value !== ""));
      const found = await ledger.page("refusals", given);
      setTrouble("");
      return found;
    } catch (error) {
      setTrouble(error instanceof Error ? error.message : String(error));
      return { rows: [], next: null };
    }
  });
  const text = (row: Readonly<Record<string, unknown>>, name: string) => ((value) => (typeof value === "string" && value !== "" ? value : NONE))(row[name]);
  return (
    <Section title="Refusals, of the record">
      <div class="office-form">
        <Field label="Code" value={code()} hint="blackout" onInput={(value) => { setCursors([]); setCode(value); }} />
        <Field label="User" value={user()} onInput={(value) => { setCursors([]); setUser(value); }} />
        <button type="button" onClick={() => { setCursors([]); void refetch(); }}>Ask again</button>
      </div>
      <Show when={trouble() !== "" || !ledger.isThere}><p class="note warn">{trouble() || ledger.trouble()}</p></Show>
      <Show when={(page()?.rows.length ?? 0) > 0} fallback={<p class="quiet">{page.loading ? "The record is asked." : "None is there."}</p>}>
        <div class="scroll" tabindex={0} role="region" aria-label="Refusals, all columns">
          <table class="grid">
            <thead><tr><th scope="col">Time</th><th scope="col">User</th><th scope="col">Asked</th><th scope="col">Instrument</th><th scope="col">Code</th><th scope="col">Rule</th><th scope="col">Sentence</th></tr></thead>
            <tbody>
              <For each={page()?.rows ?? []}>
                {(row) => <tr><td>{momentText(microseconds(text(row, "time")))}</td><td>{text(row, "user")}</td><td>{text(row, "command")}</td><td>{text(row, "instrument")}</td><td>{text(row, "code")}</td><td>{text(row, "rule_id")}</td><td>{text(row, "text")}</td></tr>}
              </For>
            </tbody>
          </table>
        </div>
        <p class="buttons">
          <button type="button" disabled={cursors().length === 0} onClick={() => setCursors(cursors().slice(0, -1))}>Newer</button>
          <button type="button" disabled={page()?.next == null} onClick={() => setCursors([...cursors(), page()?.next ?? ""])}>Older</button>
        </p>
      </Show>
    </Section>
  );
}
