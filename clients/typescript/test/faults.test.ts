/**
 * The session at random: a simulated gateway loses, repeats, reorders and falsifies what it says, and connections end.
 *
 * Safety: whenever the session vouches for a book, it is the engine's at that seq. Liveness: once faults stop, the session
 * holds the engine's newest book.
 */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { DepthBook, FeedSession } from "../src/index.js";
import type { Delta, Message, Position, Snapshot } from "../src/index.js";
import { deltaOf, snapshotOf } from "./made.js";
import { seeded } from "./random.js";

const EPOCH = 7;
const STEP_MS = 20;
const STEPS = 3_000;

class Simulation {
  readonly session = new FeedSession({ encoding: "json" });
  now = 0;
  isFaulty = true;
  connections = 0;
  resumes = 0;
  vouched = 0;
  readonly #random: (below: number) => number;
  readonly #engine = new DepthBook("ACME");
  readonly #digests = [0];
  readonly #history: Delta[] = [];
  #held: Message[] = [];
  #isFollowed = false;
  #isConnected = false;

  constructor(seed: number) {
    this.#random = seeded(seed);
    this.#engine.epoch = EPOCH;
    this.session.follow("book", ["ACME"], {}, 0);
  }

  /** One thing happens, then everyone says what there is to say. */
  step(): void {
    this.now += STEP_MS;
    if (!this.#isConnected) this.#connect();
    else if (this.isFaulty && this.#random(200) === 0) this.#disconnect();
    if (this.#random(2) === 0) this.#change();
    if (this.now % 500 === 0) this.#say({ type: "heartbeat", server_time: this.now, books: this.#isFollowed ? { ACME: this.#engine.seq } : {} });
    this.session.onDeadline(this.now);
    this.#settle();
    this.checkSafety();
  }

  checkSafety(): void {
    const book = this.session.book("ACME") as DepthBook;
    if (this.session.staleReason("ACME") !== null) return;
    this.vouched += 1;
    assert.equal(book.digest, this.#digests[book.seq], `vouched for a wrong book at seq ${book.seq}`);
  }

  checkLiveness(): void {
    const book = this.session.book("ACME") as DepthBook;
    assert.equal(this.session.staleReason("ACME"), null);
    assert.deepEqual(book.position, this.#engine.position);
    assert.deepEqual(book.bids.levels(), this.#engine.bids.levels());
  }

  #connect(): void {
    this.#isConnected = true;
    this.#isFollowed = false;
    this.connections += 1;
    this.session.connected(this.now);
    const limits = {};
    this.#hear({ type: "welcome", version: 1, session: "s", user: "ada", server_time: 1, heartbeat_ms: 500, limits });
  }

  #disconnect(): void {
    this.#isConnected = false;
    this.#held = [];
    this.session.disconnected();
  }

  #change(): void {
    const { seq } = this.#engine;
    const price = 90 + this.#random(20);
    const quantity = this.#random(4) * this.#random(1_000);
    this.#engine.bids.set(price, quantity);
    this.#engine.seq = seq + 1;
    this.#digests.push(this.#engine.digest);
    const delta = deltaOf(seq, seq + 1, [[price, quantity]], [], this.#engine.digest);
    this.#history.push(delta);
    if (this.#isFollowed) this.#say(delta);
  }

  /** Answer what the session asks, till it asks nothing more. */
  #settle(): void {
    for (let frames = this.session.framesToSend(); frames.length > 0; frames = this.session.framesToSend()) {
      for (const frame of frames) this.#answer(JSON.parse(frame as string) as Record<string, unknown>);
    }
    if (this.session.events().some(({ type }) => type === "close")) this.#disconnect();
  }

  #answer({ op, id, resume }: Record<string, unknown>): void {
    this.#hear({ type: "reply", id: id as number, ok: true, code: "", text: "", data: {} });
    if (op === "resync") this.#say(this.#snapshot());
    if (op !== "subscribe") return;
    this.#isFollowed = true;
    const state = this.#resumed((resume as Record<string, Position> | undefined)?.["ACME"]) ?? this.#snapshot();
    if (state.seq !== (state as Delta).prev_seq || this.#random(2) === 0) this.#say(state); // may be nothing
  }

  #snapshot(): Snapshot {
    return snapshotOf(this.#engine.seq, this.#engine.bids.levels() as [number, number][], [], { epoch: EPOCH });
  }

  #resumed(position: Position | undefined): Delta | null {
    if (position === undefined || position[0] !== EPOCH || this.#digests[position[1]] !== position[2]) return null;
    this.resumes += 1;
    const levels = new Map(this.#history.slice(position[1]).flatMap((delta) => delta.bids.map(([price, lots]) => [price, lots])));
    return deltaOf(position[1], this.#engine.seq, [...levels], [], this.#engine.digest);
  }

  /** Say it, with one chance in ten of a fault. */
  #say(message: Message): void {
    const held = this.#held;
    this.#held = [];
    const fault = this.isFaulty ? this.#random(40) : 4;
    if (fault === 0) this.#hear(...held); // lost
    else if (fault === 1) this.#hear(message, message, ...held);
    else if (fault === 2) this.#held = [...held, message]; // after the next
    else if (fault === 3) this.#hear(falsified(message), ...held);
    else this.#hear(message, ...held);
  }

  #hear(...messages: Message[]): void {
    if (messages.length > 0 && this.#isConnected) this.session.receive(JSON.stringify(messages), this.now);
  }
}

/** Let one quantity be another, or one side's best price be gone. */
function falsified(message: Message): Message {
  if (message.type === "delta") return { ...message, bids: message.bids.map(([price, lots]) => [price, lots + 1] as const) };
  if (message.type === "snapshot") return { ...message, bids: message.bids.slice(1), digest: message.digest };
  return message;
}

describe("a gateway that is wrong now and then", () => {
  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
    test(`seed ${seed}: what is vouched for is right, and in the end all is`, () => {
      const simulation = new Simulation(seed);
      for (let step = 0; step < STEPS; step += 1) simulation.step();
      simulation.isFaulty = false;
      for (let step = 0; step < 500; step += 1) simulation.step();
      simulation.checkLiveness();
      const { gaps, corruptions, duplicates } = simulation.session.statistics;
      for (const count of [gaps, corruptions, duplicates, simulation.connections, simulation.resumes]) assert.ok(count > 3);
      assert.ok(simulation.vouched > STEPS / 2, `vouched for ${simulation.vouched} times of ${STEPS}`);
    });
  }
});
