/** Rules that touch the user, as they were told: kept for this tab, so that a reload forgets none. */

import { createEffect, createMemo, createSignal, on } from "solid-js";
import type { Accessor } from "solid-js";

import { NOTHING_YET } from "../model/executionOrder.js";
import { rowsSince } from "../model/executionRows.js";
import { afterAccepted, afterTime, noteOfExecution, noteOfRefusal, readNotes, withNote } from "../model/ruleNotes.js";
import type { RuleNote } from "../model/ruleNotes.js";
import type { Answer, Asked } from "../worker/protocol.js";
import type { Desk } from "./desk.js";

export interface RuleNotes {
  readonly notes: Accessor<readonly RuleNote[]>;
  readonly dismiss: (note: RuleNote) => void;
}

function nameOf(user: string): string {
  return `outcry.rules.${user}`;
}

/** Instruments that a request is about; those of an order that it names are looked up. */
function instrumentsOf(desk: Desk, request: Asked): readonly string[] {
  if (request.op === "order" || request.op === "exercise") return [request.instrument];
  if (request.op === "quote") return request.pairs.map(({ instrument }) => instrument);
  if (request.op !== "replace") return [];
  return desk.account().orders.filter(({ order_id }) => order_id === request.order_id).map(({ instrument }) => instrument);
}

/** Note what the exchange tells of rules, as long as somebody is logged in. */
export function keepRuleNotes(desk: Desk): RuleNotes {
  const [kept, setKept] = createSignal<readonly RuleNote[]>([]);
  const user = createMemo(() => desk.connection().user);
  createEffect(on(user, (name) => setKept(name === "" ? [] : readNotes(sessionText(name)))));
  const change = (next: (before: readonly RuleNote[]) => readonly RuleNote[]) => {
    const notes = setKept(next);
    if (user() === "") return;
    try {
      sessionStorage.setItem(nameOf(user()), JSON.stringify(notes));
    } catch {
      // storage is forbidden: it is known until the page is left
    }
  };
  let seen = NOTHING_YET;
  createEffect(() => {
    desk.executionsVersion();
    const fresh = rowsSince(desk.executions, seen);
    if (fresh.length === 0) return;
    seen = fresh.at(-1) ?? seen;
    change((before) =>
      fresh.reduce((notes, row) => {
        const note = noteOfExecution(row);
        if (note !== null) return withNote(notes, note);
        return row.event === "accepted" || row.event === "replaced" || row.event === "filled" ? afterAccepted(notes, row.instrument, row.time) : notes;
      }, before),
    );
  });
  desk.onAnswer = (request: Asked, { ok, code, text }: Answer) => {
    if (ok) return; // what a quote's reply says of its pairs has no code: it is shown where the quote was made
    const instruments = request.op === "quote" ? instrumentsOf(desk, request).slice(0, 1) : instrumentsOf(desk, request); // of a quote the first pair's
    const notes = instruments.flatMap((instrument) => noteOfRefusal(instrument, code, text, desk.serverNow()) ?? []);
    if (notes.length > 0) change((before) => notes.reduce(withNote, before));
  };
  const notes = createMemo(() => afterTime(kept(), desk.clock()));
  return { notes, dismiss: (note) => change((before) => before.filter((each) => each !== note)) };
}

function sessionText(user: string): string | null {
  try {
    return sessionStorage.getItem(nameOf(user));
  } catch {
    return null; // storage is forbidden
  }
}
