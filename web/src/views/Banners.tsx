/** Above an instrument's figures: why its orders are refused now, as far as its user may be told. It stays as long as it is so. */

import { createMemo, For, Show } from "solid-js";
import type { JSX } from "solid-js";

import { useShared } from "../app/context.js";
import type { RuleNote } from "../model/ruleNotes.js";
import { notesOf } from "../model/ruleNotes.js";
import { refusingSentence } from "../model/stateWords.js";
import { clockText, momentText } from "../model/times.js";
import { Icon } from "./icons.jsx";

const LEAD: Readonly<Record<string, string>> = {
  blackout: "Blackout.", window: "Trading window.", restricted: "Closed to you.", killed: "Trading is stopped.", clearance_required: "Needs a clearance.",
  holding_period: "Holding period.", short_swing: "Short swing.", sell_share: "Share that may be sold.",
};

export function Banners(): JSX.Element {
  const { entry, rules } = useShared();
  const refusing = createMemo(() => refusingSentence(entry().status()));
  const notes = createMemo(() => notesOf(rules.notes(), entry().symbol));
  return (
    <div role="status" class="banners">
      <Show when={refusing() !== ""}>
        <p class="note bad row banner"><span><Icon name="warn" /> <strong>No orders now.</strong> {refusing()}</span></p>
      </Show>
      <For each={notes()}>{(note) => <RuleBanner note={note} />}</For>
    </div>
  );
}

function RuleBanner(props: { readonly note: RuleNote }): JSX.Element {
  const { rules, settings } = useShared();
  const ends = () => (props.note.endsMs === 0 ? "" : ` Until ${momentText(props.note.endsMs * 1_000)}${settings.zone === null ? "" : ` (${momentText(props.note.endsMs * 1_000, settings.zone)} at the exchange)`}.`);
  const told = () => (Number.isFinite(props.note.toldMs) ? `Told at ${clockText(props.note.toldMs)}.` : "");
  return (
    <p class="note warn row banner" data-code={props.note.code}>
      <span><Icon name="warn" /> <strong>{LEAD[props.note.code] ?? "A rule of the company."}</strong> {props.note.text}.{ends()} <span class="quiet">{told()}</span></span>
      <button type="button" class="small" aria-label={`Dismiss: ${props.note.text}`} onClick={() => rules.dismiss(props.note)}>Dismiss</button>
    </p>
  );
}
