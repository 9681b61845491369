import { describe, expect, test } from "vitest";

import { afterAccepted, afterTime, isClosedTo, noteOfExecution, noteOfRefusal, NOTES_MAX, notesOf, readNotes, withNote } from "./ruleNotes.js";
import type { RuleNote } from "./ruleNotes.js";

const NOW = Date.UTC(2026, 10, 20);
const CLOSED = "instrument: ACME is closed to the group finance until 2026-11-25T00:00:00Z (rule Q4-results)";

function refused(code: string, text: string): RuleNote {
  return noteOfRefusal("ACME", code, text, NOW) as RuleNote;
}

describe("what was told of rules", () => {
  test("is the exchange's sentence, and holds until the moment that it names", () => {
    const note = refused("blackout", CLOSED);
    expect(note).toEqual({
      instrument: "ACME", code: "blackout", text: "ACME is closed to the group finance until 2026-11-25T00:00:00Z (rule Q4-results)", isSentence: true, toldMs: NOW,
      endsMs: Date.UTC(2026, 10, 25),
    });
    expect(afterTime([note], note.endsMs - 1)).toEqual([note]);
    expect(afterTime([note], NaN)).toEqual([note]);
    expect(afterTime([note], note.endsMs)).toEqual([]);
    expect(refused("window", "instrument: ACME is open to everybody in windows only, the next from 2026-12-01T08:00:00.250001Z on (rule W1)").endsMs).toBe(Date.UTC(2026, 11, 1, 8, 0, 0, 250));
    expect(refused("short_swing", "side: you sold ACME on 2026-10-02, and may buy from 2027-04-04 on").endsMs).toBe(Date.UTC(2027, 3, 4));
    expect(refused("window", "instrument: ACME is open to everybody in windows only, and none is announced (rule W1)").endsMs).toBe(0);
  });

  test("of a discreet rule is no more than the exchange says", () => {
    const note = refused("restricted", "instrument: ACME cannot be traded by you at present; ask compliance");
    expect([note.text, note.endsMs]).toEqual(["ACME cannot be traded by you at present; ask compliance", 0]);
  });

  test("is of all instruments where a user or the market is stopped", () => {
    const all = refused("killed", "user: trading of u-417 is stopped since 2026-11-20T10:31:02Z");
    expect([all.instrument, all.endsMs]).toEqual(["", 0]);
    expect(isClosedTo([all], "OTHER")).toBe(true);
    const one = noteOfExecution({ event: "rejected", instrument: "ACME", reason: "killed", time: NOW * 1_000 }) as RuleNote;
    expect([withNote([one], all), withNote([all], one)]).toEqual([[all], [all]]);
    expect(refused("killed", "instrument: trading of ACME is stopped since 2026-11-20T10:31:02Z").instrument).toBe("ACME");
    expect(afterAccepted([all], "OTHER", (NOW + 1) * 1_000)).toEqual([]);
  });

  test("is nothing of refusals that are of no rule", () => {
    expect(noteOfRefusal("ACME", "insufficient_cash", "quantity: needs 12.00 USD, 10.00 are free", NOW)).toBeNull();
    expect(noteOfExecution({ event: "cancelled", instrument: "ACME", reason: "by_user", time: 1 })).toBeNull();
    expect(noteOfExecution({ event: "filled", instrument: "ACME", reason: "blackout", time: 1 })).toBeNull();
  });

  test("comes with an order that a rule ends; the exchange's own sentence goes before", () => {
    const ended = noteOfExecution({ event: "cancelled", instrument: "ACME", reason: "blackout", time: NOW * 1_000 }) as RuleNote;
    expect([ended.text, ended.toldMs]).toEqual(["An order of yours has ended: a blackout began", NOW]);
    const sentence = refused("blackout", CLOSED);
    expect(withNote([ended], sentence)).toEqual([sentence]);
    expect(withNote([sentence], ended)).toEqual([sentence]);
  });

  test("ends when an order is accepted after it, if it forbade all of them", () => {
    const [closed, share] = [refused("blackout", CLOSED), refused("sell_share", "quantity: you may sell 100 lots (10 % of what had vested), 40 are left, not 60 (rule spring)")];
    expect(afterAccepted([closed, share], "ACME", (NOW + 1) * 1_000)).toEqual([share]);
    expect(afterAccepted([closed], "OTHER", (NOW + 1) * 1_000)).toEqual([closed]);
    expect(afterAccepted([closed], "ACME", (NOW - 1) * 1_000)).toEqual([closed]); // told late: the refusal came after it
  });

  test("is one of each kind, the newest first, and bounded", () => {
    const many = Array.from({ length: NOTES_MAX + 5 }, (_, at) => noteOfRefusal(`S${at}`, "blackout", CLOSED, NOW) as RuleNote);
    const notes = many.reduce(withNote, [] as readonly RuleNote[]);
    expect([notes.length, notesOf(notes, "S0"), notesOf(notes, "S54").length]).toEqual([NOTES_MAX, [], 1]);
    const two = [refused("blackout", CLOSED), refused("clearance_required", "clearance: trades of ACME need one (rule board)")];
    expect(notesOf(two, "ACME").map(({ code }) => code)).toEqual(["clearance_required", "blackout"]);
    expect([isClosedTo(two, "ACME"), isClosedTo(two.slice(1), "ACME")]).toEqual([true, false]);
  });

  test("is read back as it was kept, and nothing else is", () => {
    const notes = [refused("blackout", CLOSED)];
    expect(readNotes(JSON.stringify(notes))).toEqual(notes);
    for (const wrong of [null, "", "{", "{}", "[1, null, {}]", '[{"code":"by_user","instrument":"A","text":"x","endsMs":0}]']) expect(readNotes(wrong)).toEqual([]);
  });
});
