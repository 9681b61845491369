/** What the compliance view and the administrator's share: proposals, the kill switch, and fields of forms. */

import { createSignal, createUniqueId, For, Show } from "solid-js";
import type { JSX } from "solid-js";

import { useShared } from "../app/context.js";
import type { Office } from "../app/office.js";
import { actionWords } from "../model/marketSettings.js";
import { momentText } from "../model/times.js";

export function Section(props: { readonly title: string; readonly children: JSX.Element }): JSX.Element {
  const id = createUniqueId();
  return <section class="office-section" aria-labelledby={id}><h2 id={id}>{props.title}</h2>{props.children}</section>;
}

export function Field(props: { readonly label: string; readonly value: string; readonly onInput: (value: string) => void; readonly type?: string; readonly hint?: string; readonly list?: readonly string[] }): JSX.Element {
  const id = createUniqueId();
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      <input id={id} type={props.type ?? "text"} placeholder={props.hint ?? ""} value={props.value} list={props.list === undefined ? undefined : `${id}-list`} autocomplete="off" onInput={({ currentTarget }) => props.onInput(currentTarget.value)} />
      <Show when={props.list}><datalist id={`${id}-list`}><For each={props.list ?? []}>{(each) => <option value={each} />}</For></datalist></Show>
    </div>
  );
}

export function Choice(props: { readonly label: string; readonly value: string; readonly options: readonly (readonly [string, string])[]; readonly onChange: (value: string) => void }): JSX.Element {
  const id = createUniqueId();
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      <select id={id} value={props.value} onChange={({ currentTarget }) => props.onChange(currentTarget.value)}><For each={props.options}>{([value, title]) => <option value={value}>{title}</option>}</For></select>
    </div>
  );
}

/** A button that wants to be pressed twice: what it does cannot be undone by oneself. */
export function Sure(props: { readonly children: string; readonly disabled?: boolean; readonly onSure: () => void; readonly class?: string }): JSX.Element {
  const [isAsking, setAsking] = createSignal(false);
  return (
    <button
      type="button" class={`${props.class ?? "small"}`} classList={{ danger: isAsking() }} disabled={props.disabled === true}
      onBlur={() => setAsking(false)} onClick={() => (isAsking() ? (setAsking(false), props.onSure()) : setAsking(true))}
    >
      {isAsking() ? `Press again: ${props.children.charAt(0).toLowerCase()}${props.children.slice(1)}` : props.children}
    </button>
  );
}

/** What waits for a second person. */
export function Proposals(props: { readonly office: Office }): JSX.Element {
  const { desk } = useShared();
  const waiting = () => props.office.settings()?.proposals ?? [];
  return (
    <Section title="Proposals that wait">
      <For each={waiting()} fallback={<p class="quiet">None waits.</p>}>
        {(proposal) => (
          <article class="proposal">
            <p><strong>{proposal.id}</strong> <span class="quiet">by {proposal.proposer}, {momentText(proposal.time)}</span></p>
            <ul><For each={proposal.actions}>{([name, fields]) => <li>{actionWords(name, fields)}</li>}</For></ul>
            <p class="buttons">
              <Show when={proposal.proposer !== desk.connection().user} fallback={<><span class="quiet">Yours: another person confirms it.</span> <Sure onSure={() => void props.office.withdraw(proposal.id)}>Withdraw</Sure></>}>
                <Sure class="small primary" onSure={() => void props.office.confirm(proposal.id)}>Confirm</Sure>
              </Show>
            </p>
          </article>
        )}
      </For>
    </Section>
  );
}

/** The kill switch: at once by one person, lifted by two. */
export function Kills(props: { readonly office: Office; readonly canAct: boolean }): JSX.Element {
  const { desk } = useShared();
  const [scope, setScope] = createSignal("user");
  const [name, setName] = createSignal("");
  const [reason, setReason] = createSignal("");
  const kills = () => props.office.settings()?.kills ?? [];
  const isWhole = () => scope() === "market";
  return (
    <Section title="Kill switch">
      <For each={kills()} fallback={<p class="quiet">Nobody and nothing is stopped.</p>}>
        {(kill) => (
          <p class="note bad row">
            <span><strong>{kill.scope} {kill.name}</strong> is stopped since {momentText(kill.since)}{kill.reason === "" ? "" : `: ${kill.reason}`}</span>
            <Show when={props.canAct}><Sure onSure={() => void props.office.propose({ action: "set_kill", scope: kill.scope, on: false, name: kill.name })}>Propose to lift it</Sure></Show>
          </p>
        )}
      </For>
      <Show when={props.canAct}>
        <div class="office-form">
          <Choice label="Stop" value={scope()} options={[["user", "a user"], ["group", "a group"], ["instrument", "an instrument"], ["market", "the whole market"]]} onChange={setScope} />
          <Show when={!isWhole()}><Field label="Name" value={name()} onInput={setName} {...(scope() === "instrument" ? { list: desk.symbols() } : {})} /></Show>
          <Field label="Reason" value={reason()} onInput={setReason} />
          <Sure class="danger-border" disabled={!isWhole() && name().trim() === ""} onSure={() => void props.office.propose({ action: "set_kill", scope: scope(), on: true, name: isWhole() ? "" : name().trim(), reason: reason() })}>Stop now</Sure>
        </div>
      </Show>
    </Section>
  );
}

/** A date and time of a form, in the user's zone, as µs; 0 if there is none. */
export function momentUs(text: string): number {
  const ms = text === "" ? NaN : new Date(text).getTime();
  return Number.isNaN(ms) ? 0 : ms * 1_000;
}

/** Names with commas or spaces between. */
export function names(text: string): string[] {
  return text.split(/[\s,]+/).filter((each) => each !== "");
}
