/** The worker against a server of a few lines: what it follows, and that a page gets one frame for each that it asks for. */

import { decode, encode } from "@msgpack/msgpack";
import { bookDigest } from "openoutcry";
import type { Dialer, SocketHandlers } from "openoutcry";
import { beforeEach, describe, expect, test, vi } from "vitest";

import { MarketWorker } from "./marketWorker.js";
import type { Answer, Frame, FromWorker } from "./protocol.js";

type Asked = Record<string, unknown> & { readonly op: string; readonly id: number };

class Bench {
  readonly posted: FromWorker[] = [];
  readonly asked: Asked[] = [];
  /** Monotonic ms; the computer's own clock is an hour ahead of the server's. */
  now = 1_000;
  handlers: SocketHandlers | null = null;
  readonly worker: MarketWorker;

  constructor() {
    const dialer: Dialer = {
      sendsToken: false,
      dial: (_url, _subprotocol, _token, handlers) => {
        this.handlers = handlers;
        return { send: (frame) => void this.asked.push(decode(frame as Uint8Array) as Asked), close: () => undefined };
      },
    };
    vi.spyOn(performance, "now").mockImplementation(() => this.now);
    this.worker = new MarketWorker({
      post: (message) => void this.posted.push(structuredClone(message)), dialer, now: () => this.now, wallMs: () => this.serverMs + 3_600_000, random: () => 0.5,
    });
  }

  get serverMs(): number {
    return 1_800_000_000_000 + this.now;
  }

  hear(...messages: unknown[]): void {
    this.handlers?.onFrame(encode(messages));
  }

  async start(): Promise<void> {
    this.worker.hear({ type: "start", url: "ws://here/v1/stream", token: "header.payload.signature" });
    await settle();
    this.handlers?.onOpen();
    this.hear([1, 1, "abc123", "ada", this.serverMs * 1_000, 1_000, {}]);
    await settle();
  }

  look(symbol = "ACME"): void {
    this.worker.hear({ type: "look", look: { symbol, rows: 11, step: 1, centre: null, wantsDepth: false } });
  }

  snapshot(seq: number, bids: [number, number][], asks: [number, number][]): void {
    const counted = (levels: [number, number][]) => levels.map(([price, lots]) => [price, lots, 1]);
    this.hear([3, "ACME", 7, seq, this.serverMs * 1_000, 0, counted(bids), counted(asks), bookDigest(bids, asks)]);
  }

  /** Ask for a frame, and return it if it came by itself. */
  async draw(): Promise<Frame | null> {
    const before = this.posted.length;
    this.worker.hear({ type: "draw" });
    await settle();
    return (this.posted.slice(before).find(({ type }) => type === "frame") as Frame | undefined) ?? null;
  }

  requests(op: string): Asked[] {
    return this.asked.filter((each) => each.op === op);
  }
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

describe("the worker", () => {
  let bench: Bench;

  beforeEach(async () => {
    vi.restoreAllMocks();
    bench = new Bench();
    await bench.start();
  });

  test("logs in, follows all prices, states and the account, and asks what is listed", () => {
    expect(bench.asked[0]).toMatchObject({ op: "login", token: "header.payload.signature" });
    expect(bench.requests("subscribe").map(({ channel }) => channel).sort()).toEqual(["account", "status", "ticker"]);
    expect(bench.requests("instruments")).toHaveLength(1);
  });

  test("posts one frame for each that is asked for, however much has come meanwhile", async () => {
    bench.look();
    bench.snapshot(1, [[99, 5]], [[101, 5]]);
    const first = await bench.draw();
    expect(first?.book).toMatchObject({ symbol: "ACME", seq: 1, stale: null, bestBid: 99, bestAsk: 101 });
    expect(first?.book?.rows).toHaveLength(11);
    const frames = bench.posted.length;
    for (let seq = 2; seq <= 500; seq += 1) bench.hear([4, "ACME", seq - 1, seq, bench.serverMs * 1_000, 0, [[99, seq]], [], bookDigest([[99, seq]], [[101, 5]])]);
    await settle();
    expect(bench.posted).toHaveLength(frames);
    const next = await bench.draw();
    expect(bench.posted).toHaveLength(frames + 1);
    expect(next?.book?.rows.find(({ price }) => price === 99)?.bid).toBe(500);
  });

  test("with nothing new it posts nothing until there is, and a sign of life twice a second", async () => {
    await bench.draw();
    expect(await bench.draw()).toBeNull();
    const frames = bench.posted.length;
    bench.hear([6, "ACME", 1, bench.serverMs * 1_000, 99, 5, 101, 5, 100, 100, 100, 100, 1]);
    await settle();
    expect((bench.posted.at(-1) as Frame).tickers?.[0]).toMatchObject({ instrument: "ACME", last: 100 });
    await bench.draw();
    bench.now += 600;
    bench.worker.tick();
    await settle();
    expect(bench.posted).toHaveLength(frames + 2);
    expect((bench.posted.at(-1) as Frame).connection).toBeDefined();
  });

  test("measures delay by the server's clock, whatever the computer's says", async () => {
    const [ping] = bench.requests("ping");
    bench.now += 10;
    bench.hear([2, ping?.id, true, "", "", { server_time: (bench.serverMs - 5) * 1_000 }]);
    bench.look();
    bench.snapshot(1, [[99, 5]], []);
    const sent = bench.serverMs;
    bench.now += 40;
    bench.hear([4, "ACME", 1, 2, sent * 1_000, 0, [[99, 6]], [], bookDigest([[99, 6]], [])]);
    const connection = (await bench.draw())?.connection;
    expect(connection?.delay?.now).toBeCloseTo(40, 5);
    expect(connection?.clockAheadMs).toBeCloseTo(3_600_000, 5);
    expect(connection).toMatchObject({ user: "ada", session: "abc123", link: { phase: "live" } });
  });

  test("a book is stale by the clock alone, and says so in the next frame", async () => {
    bench.look();
    bench.snapshot(1, [[99, 5]], []);
    expect((await bench.draw())?.book?.stale).toBeNull();
    bench.now += 3_100; // no heartbeat came
    bench.worker.tick();
    expect((await bench.draw())?.book?.stale ?? (bench.posted.filter(({ type }) => type === "frame").at(-1) as Frame).book?.stale).toBe("disconnected");
  });

  test("an order's place is not taken from a book that cannot be vouched for, and begins anew after the account was lost", async () => {
    const order = [1, "a", "ACME", "bid", "limit", "gtc", 99, 5, 5];
    const account = (userSeq: number) => bench.hear([9, userSeq, [order], {}, {}, false, null, null, null]);
    const ahead = async () => {
      bench.worker.tick();
      return ((await bench.draw()) ?? (bench.posted.filter((each) => each.type === "frame" && each.account !== undefined).at(-1) as Frame)).account?.orders[0]?.ahead;
    };
    bench.look();
    bench.snapshot(1, [[99, 5]], []);
    account(1);
    bench.now += 4_000; // nothing is heard any more
    expect(await ahead()).toBeNull();
    bench.snapshot(2, [[99, 45]], []);
    expect(await ahead()).toBe(40);
    bench.hear([5, "ACME", 3, 1, bench.serverMs * 1_000, 99, 40, "ask"]);
    bench.snapshot(3, [[99, 45]], []);
    expect(await ahead()).toBe(0);
    bench.hear([10, 9, "filled", 0, 7, "b", "ACME", "bid", "limit", "gtc", 99, 5, 0, 99, 5, 1, "maker", "", 0, 0, "", 0]); // after a gap
    account(9);
    expect(await ahead()).toBeNull();
    bench.snapshot(4, [[99, 45]], []);
    expect(await ahead()).toBe(40);
  });

  test("answers what the page asks, and says when nobody did", async () => {
    bench.worker.hear({ type: "ask", id: 41, request: { op: "cancel_all" } });
    bench.hear([2, bench.requests("cancel_all")[0]?.id, false, "busy", "try again", {}]);
    expect(bench.posted.at(-1)).toMatchObject({ type: "answer", id: 41, ok: false, code: "busy", text: "try again" });
    bench.worker.hear({ type: "ask", id: 42, request: { op: "cancel_all" } });
    bench.handlers?.onEnd({ code: 1006, reason: "" });
    expect(bench.posted.find((each) => each.type === "answer" && each.id === 42)).toMatchObject({ code: "unanswered", ok: false });
    bench.worker.hear({ type: "ask", id: 43, request: { op: "cancel_all" } });
    expect((bench.posted.at(-1) as Answer).code).toBe("not_connected");
  });

  test("another instrument is followed instead; the one before is left", () => {
    bench.look("ACME");
    bench.look("OTHER");
    expect(bench.requests("unsubscribe").map(({ channel, instruments }) => [channel, instruments])).toEqual([["book", ["ACME"]], ["trades", ["ACME"]]]);
    expect(bench.requests("subscribe").filter(({ channel }) => channel === "book").map(({ instruments }) => instruments)).toEqual([["ACME"], ["OTHER"]]);
  });

  test("a token that has ended is tried once more, since it may be another by now; then it is told, and no more is tried", async () => {
    for (let dialled = 0; dialled < 2; dialled += 1) {
      const { handlers } = bench;
      handlers?.onOpen();
      bench.hear([11, 4505, "expired", 0]);
      handlers?.onEnd({ code: 4505, reason: "expired" });
      if (dialled === 0) await vi.waitFor(() => expect(bench.handlers).not.toBe(handlers));
    }
    await settle();
    expect((await bench.draw())?.connection?.link).toEqual({ phase: "refused", code: 4505, reason: "expired" });
    const { handlers } = bench;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(bench.handlers).toBe(handlers);
  });

  test("a newer token goes on with the session", async () => {
    bench.worker.hear({ type: "token", token: "newer.payload.signature" });
    expect(bench.requests("login").at(-1)).toMatchObject({ token: "newer.payload.signature" });
    bench.hear([2, bench.requests("login").at(-1)?.id, false, "not_authenticated", "token: names nobody", {}]);
    expect((await bench.draw())?.notices?.[0]).toMatchObject({ tone: "bad", text: "The new token was refused: token: names nobody" });
  });
});
