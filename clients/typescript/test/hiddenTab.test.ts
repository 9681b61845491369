/**
 * A hidden tab: timers fire on the second, or (Chromium's intensive throttling, after five minutes) on the minute, while
 * what a socket hears is told at once. Time is virtual, so that an hour of it takes no time.
 */

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";

import { Connection } from "../src/connection.js";
import { HEARTBEATS_MISSED_MAX, PRESENT_MS } from "../src/feedSession.js";
import { FeedSession } from "../src/index.js";
import type { Dialer, SocketHandlers } from "../src/index.js";
import { snapshotOf } from "./made.js";

const BEAT_MS = 1_000;
const SILENCE_MS = HEARTBEATS_MISSED_MAX * BEAT_MS;

interface Timer {
  readonly due: number;
  readonly act: () => void;
}

/** A page's clock and its timers, which fire at the next multiple of `alignMs` and not before. */
class Tab {
  now = 0;
  readonly #alignMs: number;
  readonly #timers = new Set<Timer>();
  readonly #real = { setTimeout, clearTimeout, setImmediate, now: performance.now.bind(performance) };
  /** Tasks that are queued behind what the socket has heard. */
  #tasks: (() => void)[] = [];

  constructor(alignMs: number) {
    this.#alignMs = alignMs;
  }

  enter(): void {
    Object.assign(globalThis, {
      setTimeout: (act: () => void, ms = 0) => {
        const timer = { due: Math.ceil((this.now + Math.max(1, ms)) / this.#alignMs) * this.#alignMs, act };
        this.#timers.add(timer);
        return timer;
      },
      clearTimeout: (timer: Timer) => this.#timers.delete(timer),
      setImmediate: (act: () => void) => this.#tasks.push(act),
    });
    performance.now = () => this.now;
  }

  leave(): void {
    const { now, ...timers } = this.#real;
    Object.assign(globalThis, timers);
    performance.now = now;
  }

  /** Let time pass, a millisecond after the other; `atEach` is what the network does. */
  pass(ms: number, atEach: () => void = () => undefined): void {
    for (const end = this.now + ms; this.now < end; ) {
      this.now += 1;
      for (const timer of [...this.#timers].filter(({ due }) => due <= this.now)) {
        this.#timers.delete(timer);
        timer.act();
      }
      atEach();
      for (const act of this.#tasks.splice(0)) act();
    }
  }
}

/** A connection of that tab to a server that beats once a second for as long as it is told to. */
class Visit {
  readonly session = new FeedSession({ encoding: "json" });
  readonly asked: { readonly op: string; readonly at: number }[] = [];
  readonly connection: Connection;
  /** When the connection was given up. */
  closedAt: number | null = null;
  lastBeat: number;
  readonly #tab: Tab;
  #handlers!: SocketHandlers;

  constructor(tab: Tab) {
    this.#tab = tab;
    this.lastBeat = tab.now;
    const dialer: Dialer = {
      sendsToken: true,
      dial: (_url, _subprotocol, _token, handlers) => {
        this.#handlers = handlers;
        return {
          send: (frame) => this.#hear(JSON.parse(frame as string) as { readonly op: string; readonly id: number }),
          close: () => (this.closedAt ??= tab.now),
        };
      },
    };
    this.session.follow("book", ["ACME"], {}, 0);
    this.connection = new Connection(this.session, dialer, "ws://127.0.0.1/", "ada", () => undefined);
    this.#handlers.onOpen();
    this.say({ type: "welcome", version: 1, session: "s", user: "ada", server_time: 1, heartbeat_ms: BEAT_MS, limits: {} });
    this.say(snapshotOf(1, [[100, 5]], []));
  }

  say(message: object): void {
    this.#handlers.onFrame(JSON.stringify([message]));
  }

  readonly beat = (): void => {
    if (this.#tab.now - this.lastBeat < BEAT_MS) return;
    this.lastBeat = this.#tab.now;
    this.say({ type: "heartbeat", server_time: 1, books: { ACME: 1 } });
  };

  #hear({ op, id }: { readonly op: string; readonly id: number }): void {
    this.asked.push({ op, at: this.#tab.now });
    const reply = { type: "reply", id, ok: true, code: "", text: "", data: {} };
    queueMicrotask(() => this.say(reply));
  }
}

for (const alignMs of [1_000, 60_000])
  describe(`timers on every ${alignMs / 1_000} s`, () => {
    let tab: Tab;

    beforeEach(() => {
      tab = new Tab(alignMs);
      tab.enter();
      tab.pass(300); // so that the server's seconds are not the tab's
    });
    afterEach(() => tab.leave());

    for (const aliveMs of [0, 1, 999, 10_500, 59_999, 60_000, 61_234])
      test(`a connection that dies after ${aliveMs} ms: stale 3 s after its last heartbeat, given up in the next turn`, async () => {
        const visit = new Visit(tab);
        await Promise.resolve(); // the subscription's answer
        tab.pass(aliveMs, visit.beat);
        const silentAt = visit.lastBeat + SILENCE_MS;
        const stale = () => visit.session.staleReason("ACME", tab.now);
        tab.pass(silentAt - 1 - tab.now);
        assert.equal(stale(), null);
        tab.pass(1);
        assert.equal(stale(), "disconnected");
        tab.pass(alignMs + SILENCE_MS);
        assert.ok(visit.closedAt !== null, "never given up");
        assert.ok(visit.closedAt <= silentAt + alignMs, `given up ${visit.closedAt - silentAt} ms after its silence`);
        assert.equal(stale(), "disconnected");
      });

    test("one that lives is kept for an hour, and says that it is present", async () => {
      const visit = new Visit(tab);
      visit.say({ type: "account", user_seq: 0, orders: [], positions: {}, cash: {}, cancel_on_disconnect: true });
      for (let second = 0; second < 3_600; second += 1) {
        tab.pass(1_000, visit.beat);
        await Promise.resolve(); // what was asked is answered
      }
      assert.equal(visit.closedAt, null);
      const said = visit.asked.filter(({ op }) => op === "present").map(({ at }) => at);
      const gaps = said.slice(1).map((at, index) => at - (said[index] ?? 0));
      assert.ok(said.length >= 3_600_000 / (PRESENT_MS + BEAT_MS), `${said.length} times`);
      assert.ok(Math.max(...gaps) <= PRESENT_MS + BEAT_MS, `${Math.max(...gaps)} ms`);
    });

    test("who comes late to a deadline reads first what has come: it was this program that slept", async () => {
      const visit = new Visit(tab);
      await Promise.resolve();
      tab.now += 5 * alignMs + SILENCE_MS; // a turn that took so long, with the heartbeats of all that time behind it
      assert.equal(visit.session.staleReason("ACME", tab.now), "disconnected");
      tab.pass(1, visit.beat);
      assert.deepEqual([visit.closedAt, visit.session.staleReason("ACME", tab.now)], [null, null]);
    });
  });
