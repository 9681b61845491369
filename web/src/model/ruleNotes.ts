/**
 * What the exchange has told this user of rules that touch them: its sentences, how long each holds, and what ends it.
 *
 * No public message tells of rules. A user hears of one when an order is refused, and when an order ends because a rule
 * has begun. Of a discreet rule that is "cannot be traded by you at present; ask compliance" and no more, and no more is
 * made of it here.
 */

import { reasonWords } from "./executionRows.js";

export interface RuleNote {
  /** "" is of all instruments. */
  readonly instrument: string;
  readonly code: string;
  /** The exchange's sentence, or its reason in words. */
  readonly text: string;
  /** Whether it is the exchange's own sentence, which names rule and end where it may. */
  readonly isSentence: boolean;
  /** When it was told, Unix ms by the exchange's clock; NaN if that was not known. */
  readonly toldMs: number;
  /** From when on it holds no more, Unix ms; 0 if that was not told. */
  readonly endsMs: number;
}

/** Codes by which nothing may be traded: an order that is accepted later shows that they hold no more. */
const CLOSING: readonly string[] = ["blackout", "window", "restricted", "killed"];
/** Those that depend on the order, and so outlast one that was accepted. */
const CONDITIONAL: readonly string[] = ["clearance_required", "holding_period", "short_swing", "sell_share"];
/** More are not kept: the oldest go first. */
export const NOTES_MAX = 50;

/** Make a note of a refusal; null if it is of no rule. */
export function noteOfRefusal(instrument: string, code: string, text: string, nowMs: number): RuleNote | null {
  if (!isOfRule(code)) return null;
  const [, field = "", rest = text] = /^([a-z_]+): ([^]*)$/.exec(text) ?? [];
  const isOfAll = code === "killed" && field !== "instrument"; // a user, a group or the market was stopped
  return { instrument: isOfAll ? "" : instrument, code, text: rest.charAt(0).toUpperCase() + rest.slice(1), isSentence: true, toldMs: nowMs, endsMs: endOf(text) };
}

/** Make a note of an order that ended, or was refused, because of a rule; null if it was not. Its time is in µs. */
export function noteOfExecution({ event, instrument, reason, time }: { readonly event: string; readonly instrument: string; readonly reason: string; readonly time: number }): RuleNote | null {
  if (!isOfRule(reason) || (event !== "cancelled" && event !== "expired" && event !== "rejected")) return null;
  const words = reasonWords(reason);
  const what = event === "rejected" ? "An order of yours was refused" : "An order of yours has ended";
  return { instrument, code: reason, text: `${what}: ${words}`, isSentence: false, toldMs: time / 1_000, endsMs: 0 };
}

/** Put a note among those that are known: one of each instrument and code, a sentence before words of ours. */
export function withNote(notes: readonly RuleNote[], note: RuleNote): readonly RuleNote[] {
  if (!note.isSentence && notes.some((each) => each.isSentence && covers(each, note))) return notes;
  return [...notes.filter((each) => !covers(note, each)), note].slice(-NOTES_MAX);
}

/** Leave out what an accepted order has shown to hold no more. Times are in µs and Unix ms. */
export function afterAccepted(notes: readonly RuleNote[], instrument: string, timeUs: number): readonly RuleNote[] {
  const isOver = (note: RuleNote) => CLOSING.includes(note.code) && (note.instrument === instrument || note.instrument === "") && !(timeUs / 1_000 <= note.toldMs);
  return notes.some(isOver) ? notes.filter((note) => !isOver(note)) : notes;
}

/** Leave out what has ended by the exchange's clock; while that is not known, nothing has. */
export function afterTime(notes: readonly RuleNote[], nowMs: number): readonly RuleNote[] {
  const isOver = ({ endsMs }: RuleNote) => endsMs > 0 && endsMs <= nowMs;
  return notes.some(isOver) ? notes.filter((note) => !isOver(note)) : notes;
}

/** Return those that touch an instrument, the newest first. */
export function notesOf(notes: readonly RuleNote[], instrument: string): readonly RuleNote[] {
  return notes.filter((note) => note.instrument === "" || note.instrument === instrument).reverse();
}

/** Whether nothing of an instrument may be traded by the user, as far as was told. */
export function isClosedTo(notes: readonly RuleNote[], instrument: string): boolean {
  return notesOf(notes, instrument).some(({ code }) => CLOSING.includes(code));
}

/** Read notes that were kept as text; what is none is left out. */
export function readNotes(text: string | null): readonly RuleNote[] {
  try {
    const found: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(found) ? found.flatMap((each: unknown) => read(each) ?? []).slice(-NOTES_MAX) : [];
  } catch {
    return [];
  }
}

function read(value: unknown): RuleNote | null {
  if (typeof value !== "object" || value === null) return null;
  const { instrument, code, text, isSentence, toldMs, endsMs } = value as Record<string, unknown>;
  const isWhole = typeof instrument === "string" && typeof code === "string" && isOfRule(code) && typeof text === "string" && typeof endsMs === "number";
  return isWhole ? { instrument, code, text, isSentence: isSentence === true, toldMs: typeof toldMs === "number" ? toldMs : NaN, endsMs } : null;
}

function isOfRule(code: string): boolean {
  return CLOSING.includes(code) || CONDITIONAL.includes(code);
}

/** Whether one says what the other does, or more: that nothing may be traded is true of each instrument. */
function covers(one: RuleNote, other: RuleNote): boolean {
  return one.code === other.code && (one.instrument === other.instrument || one.instrument === "");
}

/** The moment that a sentence names as its end: "until 2026-11-25T00:00:00Z", "the next from … on", or a day, of UTC. */
function endOf(text: string): number {
  const found = /(?:\buntil |\bfrom )(\d{4}-\d\d-\d\d(?:T[\d:.]+Z)?)/.exec(text)?.[1];
  const ms = found === undefined ? NaN : Date.parse(found.replace(/(\.\d{3})\d+Z$/, "$1Z"));
  return Number.isNaN(ms) ? 0 : ms;
}
