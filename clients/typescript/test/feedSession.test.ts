/** The session, clause by clause of "The client's rule" and of what surrounds it. No sockets, no clock. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { bookDigest, FeedSession, InvalidArgument, NotConnected, OpenOutcryError, TooManyRequests } from "../src/index.js";
import type { Execution, Message, SessionEvent, Trade, Transfer } from "../src/index.js";
import { closeReason } from "../src/closeCodes.js";
import { HEARTBEATS_MISSED_MAX, PENDING_MAX, PRESENT_MS, REPLY_MS, WELCOME_MS } from "../src/feedSession.js";
import { REPAIR_MS } from "../src/repairs.js";
import { deltaOf, snapshotOf } from "./made.js";

/** Three heartbeats of the bench's server. */
const SILENCE_MS = HEARTBEATS_MISSED_MAX * 1_000;

type Asked = { readonly op: string; readonly id: number } & Readonly<Record<string, unknown>>;

/** A session on a table: what it hears, what it asks, what it says. */
class Bench {
  readonly session = new FeedSession({ encoding: "json" });
  now = 0;

  hear(...messages: (Message | Record<string, unknown>)[]): SessionEvent[] {
    this.session.receive(JSON.stringify(messages), this.now);
    return this.session.events();
  }

  asked(): Asked[] {
    return this.session.framesToSend().map((frame) => JSON.parse(frame as string) as Asked);
  }

  welcome(): this {
    this.session.connected(this.now);
    this.hear({ type: "welcome", version: 1, session: "s", user: "ada", server_time: 1, heartbeat_ms: 1000, limits: {} });
    return this;
  }

  /** Let time pass without a word. */
  wait(ms: number): SessionEvent[] {
    this.now += ms;
    this.session.onDeadline(this.now);
    return this.session.events();
  }

  beat(books: Record<string, number> = {}): SessionEvent[] {
    return this.hear({ type: "heartbeat", server_time: 1, books });
  }

  reply(id: number | string | null, more: Record<string, unknown> = {}): SessionEvent[] {
    return this.hear({ type: "reply", id, ok: true, code: "", text: "", data: {}, ...more });
  }
}

/** One that holds ACME at seq 12 with one bid. */
function following(depth = 0): Bench {
  const bench = new Bench().welcome();
  bench.session.follow("book", ["ACME"], { depth }, 0);
  const [subscribe] = bench.asked();
  bench.reply((subscribe as Asked).id);
  bench.hear(snapshotOf(12, [[100, 5]], [], { depth }));
  return bench;
}

const types = (events: SessionEvent[]) => events.map(({ type }) => type);
const reasons = (events: SessionEvent[]) => events.map((event) => (event.type === "stale" ? event.reason : event.type));
const with6 = bookDigest([[100, 6]], []);

describe("the client's rule", () => {
  test("1: a snapshot replaces the book", () => {
    const { session } = following();
    assert.equal(session.staleReason("ACME"), null);
    assert.deepEqual(session.book("ACME")?.position, [7, 12, bookDigest([[100, 5]], [])]);
  });

  test("2: a repetition is ignored and counted", () => {
    const bench = following();
    assert.deepEqual(bench.hear(deltaOf(11, 12, [[100, 9]], [], 0)), []);
    assert.equal(bench.session.statistics.duplicates, 1);
    assert.deepEqual(bench.asked(), []);
  });

  test("3: a delta that continues is applied", () => {
    const bench = following();
    assert.deepEqual(types(bench.hear(deltaOf(10, 14, [[100, 6]], [], with6))), ["book"]);
    assert.equal(bench.session.book("ACME")?.seq, 14);
  });

  test("4: a gap makes the book stale and asks once for a snapshot, which heals it", () => {
    const bench = following();
    assert.deepEqual(reasons(bench.hear(deltaOf(13, 14, [[100, 6]], [], with6))), ["gap"]);
    assert.equal(bench.session.staleReason("ACME"), "gap");
    assert.deepEqual(bench.asked().map(({ op, instrument }) => [op, instrument]), [["resync", "ACME"]]);
    assert.deepEqual(bench.hear(deltaOf(14, 15, [[100, 7]], [], 0)), [], "deltas are nothing to a book that waits");
    assert.deepEqual(bench.asked(), []);
    assert.deepEqual(types(bench.hear(snapshotOf(15, [[100, 7]], []))), ["book"]);
    assert.equal(bench.session.staleReason("ACME"), null);
  });

  test("5: a wrong digest does the same, of a delta", () => {
    const bench = following();
    assert.deepEqual(reasons(bench.hear(deltaOf(12, 13, [[100, 6]], [], with6 ^ 1))), ["corrupt"]);
    assert.equal(bench.asked()[0]?.op, "resync");
    assert.equal(bench.session.statistics.corruptions, 1);
  });

  test("5: … and of a snapshot", () => {
    const bench = following();
    assert.deepEqual(reasons(bench.hear(snapshotOf(13, [[100, 6]], [], { digest: 1 }))), ["corrupt"]);
    assert.equal(bench.asked()[0]?.op, "resync");
  });

  test("6: a heartbeat above mine is a lost last message", () => {
    const bench = following();
    assert.deepEqual(bench.beat({ ACME: 12 }), []);
    assert.deepEqual(reasons(bench.beat({ ACME: 13 })), ["behind"]);
    assert.equal(bench.asked()[0]?.op, "resync");
  });

  test("6: a heartbeat that names a followed book of which nothing came", () => {
    const bench = new Bench().welcome();
    bench.session.follow("book", ["*"], {}, 0);
    bench.asked();
    assert.deepEqual(reasons(bench.beat({ ACME: 0 })), ["behind"]);
    assert.deepEqual(bench.asked().map(({ op, instrument }) => [op, instrument]), [["resync", "ACME"]]);
  });

  test("6: 3 s without a heartbeat: everything is stale, and the connection is given up with 4003", () => {
    const bench = following();
    assert.equal(bench.session.nextDeadline(), SILENCE_MS);
    assert.deepEqual(bench.wait(SILENCE_MS - 1), []);
    const events = bench.wait(1);
    assert.deepEqual(reasons(events), ["disconnected", "close"]);
    assert.deepEqual(events.at(-1), { type: "close", code: 4003, reason: "no heartbeat" });
  });

  test("6: other messages are no heartbeat", () => {
    const bench = following();
    bench.now = SILENCE_MS - 1;
    bench.hear(deltaOf(12, 13, [[100, 6]], [], with6));
    assert.deepEqual(types(bench.wait(1)), ["stale", "close"]);
  });
});

describe("a snapshot that was asked for and does not come", () => {
  test("is asked for again, and then the connection is given up", () => {
    const bench = following();
    bench.hear(deltaOf(13, 14, [[100, 6]], [], with6));
    bench.asked();
    for (const round of ["second", "third"]) {
      bench.wait(REPAIR_MS);
      bench.beat();
      assert.equal(bench.asked()[0]?.op, "resync", round);
    }
    assert.deepEqual(types(bench.wait(REPAIR_MS)), ["close"]);
  });
});

describe("resume", () => {
  function returned(bench: Bench): Asked {
    bench.session.disconnected();
    assert.deepEqual(reasons(bench.session.events()), ["disconnected"]);
    bench.welcome();
    return bench.asked()[0] as Asked;
  }

  test("names epoch, seq and digest on the next connection", () => {
    const subscribe = returned(following());
    assert.deepEqual(subscribe["resume"], { ACME: [7, 12, bookDigest([[100, 5]], [])] });
  });

  test("one merged delta makes the book whole", () => {
    const bench = following();
    bench.reply(returned(bench).id);
    assert.equal(bench.session.staleReason("ACME"), "disconnected");
    assert.deepEqual(types(bench.hear(deltaOf(12, 40, [[100, 6]], [], with6))), ["book"]);
    assert.equal(bench.session.staleReason("ACME"), null);
  });

  test("an empty delta with my seq and digest says that nothing was missed", () => {
    const bench = following();
    bench.reply(returned(bench).id);
    assert.deepEqual(types(bench.hear(deltaOf(12, 12, [], [], bookDigest([[100, 5]], [])))), ["book"]);
    assert.equal(bench.session.staleReason("ACME"), null);
  });

  test("a heartbeat with my seq says it too: the answer to a resume may be nothing", () => {
    const bench = following();
    bench.reply(returned(bench).id);
    assert.deepEqual(types(bench.beat({ ACME: 12 })), ["book"]);
    assert.equal(bench.session.staleReason("ACME"), null);
  });

  test("a snapshot of another epoch replaces", () => {
    const bench = following();
    bench.reply(returned(bench).id);
    bench.hear(snapshotOf(3, [], [], { epoch: 8 }));
    assert.deepEqual(bench.session.book("ACME")?.position, [8, 3, 0]);
  });

  test("a book that missed changes may resume from where it stands", () => {
    const bench = following();
    bench.hear(deltaOf(13, 14, [], [], 0));
    bench.session.disconnected();
    bench.welcome();
    const subscribe = bench.asked().at(-1) as Asked;
    assert.deepEqual(Object.keys(subscribe["resume"] as object), ["ACME"]);
  });

  test("a book with a wrong digest stands nowhere, and windows are not resumed", () => {
    const corrupt = following();
    corrupt.hear(deltaOf(12, 13, [], [], 0));
    corrupt.session.disconnected();
    corrupt.asked();
    corrupt.welcome();
    assert.equal((corrupt.asked()[0] as Asked)["resume"], undefined);
    assert.equal(returned(following(10))["resume"], undefined);
  });

  test("books followed by * are not resumed: a server refuses positions of what is not named", () => {
    const bench = new Bench().welcome();
    bench.session.follow("book", ["*"], {}, 0);
    bench.hear(snapshotOf(12, [[100, 5]], []));
    bench.asked();
    assert.equal(returned(bench)["resume"], undefined);
  });

  test("everything alike is asked for in one request, for 1,000 books in few", () => {
    const bench = new Bench();
    const names = Array.from({ length: 1_000 }, (_, index) => `I${index}`);
    for (const name of names) bench.session.follow("book", [name], {}, 0);
    bench.session.follow("ticker", ["*"], { intervalMs: 100 }, 0);
    bench.welcome();
    const asked = bench.asked();
    assert.equal(asked.length, 9);
    assert.deepEqual(asked[0]?.["instruments"], ["*"]);
    assert.ok(asked.every((request) => JSON.stringify(request).length <= 16_384));
    assert.deepEqual(asked.slice(1).flatMap((request) => request["instruments"]), names);
  });
});

describe("the gateway's feed", () => {
  const feed = (state: string) => ({ type: "status", instrument: null, state, reason: "because", time: 1 });

  test("stale and resyncing: nobody vouches for any book; open: they are as good as before", () => {
    const bench = following();
    for (const state of ["stale", "resyncing"]) {
      assert.deepEqual(types(bench.hear(feed(state))), ["feed"]);
      assert.equal(bench.session.staleReason("ACME"), "feed");
    }
    bench.hear(feed("open"));
    assert.equal(bench.session.staleReason("ACME"), null);
    assert.deepEqual(bench.asked(), []);
  });

  test("a new connection is to another gateway, which says for itself", () => {
    const bench = following();
    bench.hear(feed("stale"));
    bench.session.disconnected();
    bench.welcome();
    assert.equal(bench.session.feedState, "open");
  });
});

describe("auctions", () => {
  const call = {
    type: "auction", instrument: "ACME", seq: 13, time: 1, auction_id: 7, kind: "opening", price: 101, volume: 1200, surplus: -300,
    until: 60,
  } as const;

  test("a call is known until it has ended, and its book may be crossed", () => {
    const bench = following();
    assert.deepEqual(types(bench.hear(deltaOf(12, 13, [[102, 5]], [[101, 7]], bookDigest([[100, 5], [102, 5]], [[101, 7]])), call)), [
      "book", "auction",
    ]);
    assert.equal(bench.session.staleReason("ACME"), null);
    assert.deepEqual(bench.session.auctions.get("ACME"), call);
    assert.deepEqual(types(bench.hear({ ...call, kind: "", price: 0, volume: 0, surplus: 0, until: 0 })), ["auction"]);
    assert.equal(bench.session.auctions.size, 0);
  });

  test("what is known of it ends with the connection", () => {
    const bench = following();
    bench.hear(call);
    bench.session.disconnected();
    assert.equal(bench.session.auctions.size, 0);
  });
});

describe("trades", () => {
  const trade = (trade_id: number, time = 1): Trade => ({
    type: "trade", instrument: "ACME", seq: 1, trade_id, time, price: 1, quantity: 1, aggressor_side: "bid",
  });

  test("begin with any id; a repetition is ignored; a hole is told by its ids", () => {
    const bench = new Bench().welcome();
    bench.session.follow("trades", ["ACME"], {}, 0);
    assert.deepEqual(types(bench.hear(trade(41), trade(42))), ["trade", "trade"]);
    assert.deepEqual(bench.hear(trade(41), trade(42)), []);
    const [missed, next] = bench.hear(trade(46));
    assert.deepEqual(missed, {
      type: "trades_missed", instrument: "ACME", missed: { instrument: "ACME", first: 43, last: 45 }, text: "",
    });
    assert.equal(next?.type, "trade");
    assert.equal(bench.session.statistics.tradesMissed, 3);
  });

  test("a known id with a later time belongs to a history that began anew", () => {
    const bench = new Bench().welcome();
    bench.hear(trade(41, 5));
    assert.deepEqual(types(bench.hear(trade(1, 6), trade(1, 6), trade(2, 7))), ["trade", "trade"]);
  });

  test("what the server announces as missing is passed on in its words", () => {
    const bench = new Bench().welcome();
    const [event] = bench.hear({ type: "status", instrument: "ACME", state: "resyncing", reason: "trades 3 to 9", time: 1 });
    assert.deepEqual(event, { type: "trades_missed", instrument: "ACME", missed: null, text: "trades 3 to 9" });
  });
});

describe("the account", () => {
  const order = {
    order_id: 71, client_order_id: "mine-1", instrument: "ACME", side: "bid", kind: "limit", time_in_force: "gtc",
    price: 100, quantity: 25,
  } as const;
  const plain = { trigger: 0, expires_at: 0, expires_on: "" } as const;
  const account = (user_seq: number) => ({
    type: "account", user_seq, orders: [{ ...order, remaining: 20 }], positions: { ACME: 5 }, cash: { USD: "-5.000000" },
    cancel_on_disconnect: user_seq < 12,
  });
  const execution = (user_seq: number, more: Partial<Execution> = {}): Execution => ({
    type: "execution", user_seq, event: "filled", time: 1, ...order, remaining: 13, fill_price: 100, fill_quantity: 7,
    trade_id: 4, liquidity: "maker", reason: "", ...plain, held_until: 0, ...more,
  });

  function held(): Bench {
    const bench = new Bench().welcome();
    bench.session.follow("account", [], {}, 0);
    assert.deepEqual(bench.asked().filter(({ op }) => op !== "present").map(({ op, channel }) => [op, channel]), [["subscribe", "account"]]);
    bench.hear(account(9));
    return bench;
  }

  test("executions move orders and positions, each once", () => {
    const bench = held();
    assert.deepEqual(types(bench.hear(execution(10), execution(10), execution(9))), ["account"]);
    assert.equal(bench.session.account.position("ACME"), 12);
    assert.deepEqual(bench.session.account.orders, [{ ...order, remaining: 13, ...plain }]);
    bench.hear(execution(11, { event: "filled", remaining: 0, fill_quantity: 13 }));
    assert.deepEqual(bench.session.account.orders, []);
    bench.hear(execution(12, { side: "ask", remaining: 0, fill_quantity: 25 }));
    assert.equal(bench.session.account.positions.size, 0);
  });

  test("a stop shows its trigger until it is triggered, and what ends by itself its end", () => {
    const bench = held();
    const stop = { order_id: 72, remaining: 25, time_in_force: "gtd", trigger: 95, expires_at: 7, expires_on: "" } as const;
    bench.hear(execution(10, { event: "accepted", ...stop }));
    assert.deepEqual(bench.session.account.orders[1], { ...order, ...stop });
    bench.hear(execution(11, { event: "triggered", ...stop, trigger: 0 }));
    assert.equal(bench.session.account.orders[1]?.trigger, 0);
    bench.hear(execution(12, { event: "expired", ...stop, trigger: 0, remaining: 0 }));
    assert.equal(bench.session.account.orders.length, 1);
  });

  test("what it gives is as it stood: a loop that cancels is not disturbed", () => {
    const bench = held();
    const { orders, positions } = bench.session.account;
    const before = [...positions];
    let turns = 0;
    for (const { order_id } of orders) {
      bench.hear(execution(10 + turns, { event: "filled", order_id: 1_000 + turns, instrument: `NEW${turns}`, remaining: 5 }));
      bench.hear(execution(11 + turns, { event: "cancelled", order_id, remaining: 0 }));
      turns += 2;
    }
    assert.equal(turns, 2);
    assert.deepEqual([...positions], before);
    assert.deepEqual(bench.session.account.orders.map(({ order_id }) => order_id), [1_000]);
  });

  test("a rejection buries no order of the same client_order_id", () => {
    const bench = held();
    for (const [user_seq, order_id] of [[10, 0], [11, 71]] as const)
      bench.hear(execution(user_seq, { event: "rejected", order_id, remaining: 0, reason: "duplicate_order" }));
    assert.deepEqual(bench.session.account.orders, [{ ...order, remaining: 20, ...plain }]);
    assert.equal(bench.session.account.userSeq, 11);
  });

  test("it says whether orders are cancelled when the user stays away", () => {
    const bench = held();
    assert.equal(bench.session.account.cancelOnDisconnect, true);
    assert.deepEqual(types(bench.hear(account(12))), ["account"]);
    assert.equal(bench.session.account.cancelOnDisconnect, false);
  });

  const DAY = 86_400_000_000;
  const funded = {
    ...account(9), positions: { ACME: 100 }, cash: { USD: "50.000000" }, holdings: { ACME: [100, 0, [[DAY, 60, "vesting"]], "9000.000000"] },
    reserved: { USD: "20.000000" }, result: { USD: "0.000000" },
  };
  const transfer = (user_seq: number, more: Partial<Transfer> = {}): Transfer => ({
    type: "transfer", user_seq, time: 1, transfer_id: "t1", kind: "deposit", asset: "USD", amount: "5.000000", balance: "55.000000",
    available_from: 0, ...more,
  });

  test("transfers share the numbers of executions, and move money and lots", () => {
    const bench = held();
    bench.hear(funded);
    assert.deepEqual(types(bench.hear(transfer(10), execution(11), transfer(10))), ["transferred", "account"]);
    const { account: view } = bench.session;
    assert.deepEqual([view.cash["USD"], view.position("ACME"), view.isMoneyCurrent], ["55.000000", 107, false]);
    const grant = { kind: "grant", asset: "ACME", amount: "3", balance: "110", available_from: DAY } as const;
    assert.deepEqual(types(bench.hear(transfer(12, grant))), ["transferred"]);
    const restricted = [{ until: DAY, lots: 63, why: "vesting" }];
    assert.deepEqual(view.holdings.get("ACME"), { lots: 110, reserved: 0, restricted, cost: "9000.000000" });
    bench.hear(transfer(13, { kind: "forfeit", asset: "ACME", amount: "-70", balance: "40" }));
    assert.deepEqual(view.holdings.get("ACME")?.restricted, []);
  });

  test("lots bought under a holding period are held back, but for those that cover what was sold short", () => {
    const bench = held();
    bench.hear(funded);
    const { account: view } = bench.session;
    bench.hear(execution(10, { held_until: DAY }), execution(11, { remaining: 6, held_until: DAY }));
    assert.deepEqual(view.holdings.get("ACME")?.restricted, [
      { until: DAY, lots: 14, why: "holding_period" }, { until: DAY, lots: 60, why: "vesting" },
    ]);
    bench.hear(execution(12, { side: "ask", order_id: 72, remaining: 0, fill_quantity: 116 }));
    bench.hear(execution(13, { order_id: 73, remaining: 0, fill_quantity: 5, held_until: 2 * DAY }));
    assert.deepEqual(view.holdings.get("ACME")?.restricted.at(-1), { until: 2 * DAY, lots: 3, why: "holding_period" });
    bench.hear(execution(14, { event: "cancelled", remaining: 0, time: 2 * DAY }));
    assert.deepEqual(view.holdings.get("ACME")?.restricted, []);
  });

  test("asks reserve lots, and parts whose time is over go with what comes after it", () => {
    const bench = held();
    bench.hear(funded);
    bench.hear(execution(10, { event: "accepted", order_id: 72, side: "ask", remaining: 30, time: DAY - 1 }));
    assert.deepEqual(bench.session.account.holdings.get("ACME")?.reserved, 30);
    assert.equal(bench.session.account.holdings.get("ACME")?.restricted.length, 1);
    bench.hear(execution(11, { event: "cancelled", order_id: 72, side: "ask", remaining: 0, time: DAY }));
    assert.deepEqual(bench.session.account.holdings.get("ACME"), { lots: 100, reserved: 0, restricted: [], cost: "9000.000000" });
  });

  test("a transfer to other lots, or to an account that keeps nothing, is a gap", () => {
    const bench = held();
    assert.deepEqual(types(bench.hear(transfer(10))), ["account_stale"]);
    bench.hear(funded);
    assert.deepEqual(types(bench.hear(transfer(10, { asset: "ACME", amount: "1", balance: "7" }))), ["account_stale"]);
  });

  test("a gap makes it stale and asks for the whole account", () => {
    const bench = held();
    assert.deepEqual(types(bench.hear(execution(11), execution(12))), ["account_stale"]);
    assert.deepEqual(bench.asked().filter(({ op }) => op !== "present").map(({ op, channel }) => [op, channel]), [["subscribe", "account"]]);
    assert.deepEqual(types(bench.hear(account(12))), ["account"]);
    assert.equal(bench.session.account.stale, false);
  });
});

describe("windows and tops", () => {
  test("come apart by their depth", () => {
    const bench = following(10);
    bench.session.follow("top", ["ACME"], {}, 0);
    assert.deepEqual(types(bench.hear(snapshotOf(13, [[100, 6]], [], { depth: 1 }))), ["top"]);
    assert.equal(bench.session.book("ACME")?.seq, 12);
    bench.hear(snapshotOf(13, [[100, 6]], [], { depth: 10 }));
    assert.equal(bench.session.book("ACME")?.seq, 13);
  });

  test("of one depth could not be told apart, and are refused", () => {
    const bench = following(10);
    for (const name of ["ACME", "*"]) {
      assert.throws(() => bench.session.follow("top", [name], { depth: 10 }, 0), OpenOutcryError);
    }
  });

  test("a top with a wrong digest is not passed on, and asked for again", () => {
    const bench = new Bench().welcome();
    bench.session.follow("top", ["ACME"], { depth: 5 }, 0);
    bench.asked();
    assert.deepEqual(bench.hear(snapshotOf(13, [[100, 6]], [], { depth: 5, digest: 1 })), []);
    assert.deepEqual(bench.asked().map(({ op, channel, depth }) => [op, channel, depth]), [["subscribe", "top", 5]]);
  });
});

describe("requests", () => {
  test("without a welcome nothing can be sent, but wishes wait for it", () => {
    const bench = new Bench();
    assert.throws(() => bench.session.send({ op: "ping" }, 0), NotConnected);
    bench.session.follow("ticker", ["ACME"], {}, 0);
    bench.session.connected(0);
    assert.deepEqual(bench.asked(), []);
    bench.welcome();
    assert.deepEqual(bench.asked().map(({ op }) => op), ["subscribe"]);
  });

  test("a token that the handshake did not carry is sent first", () => {
    const bench = new Bench();
    bench.session.connected(0, "header.payload.signature");
    assert.deepEqual(bench.asked(), [{ op: "login", token: "header.payload.signature", id: 1 }]);
  });

  test("a newer token on a connection is a request like others: its answer is told, and a refusal ends nothing", () => {
    const bench = new Bench().welcome();
    const [one, two] = [bench.session.send({ op: "login", token: "newer" }, 0), bench.session.send({ op: "login", token: "wrong" }, 0)];
    const [good] = bench.reply(one, { data: { expires_at: 5 } });
    assert.ok(good?.type === "reply" && good.id === one && good.reply.data["expires_at"] === 5);
    const [bad] = bench.reply(two, { ok: false, code: "not_authenticated", text: "token: names nobody" });
    assert.ok(bad?.type === "reply" && bad.id === two && !bad.reply.ok);
    const [end] = bench.wait(SILENCE_MS).filter(({ type }) => type === "close");
    assert.ok(end?.type === "close" && end.code === 4003, "silence is silence: another replica may be heard");
  });

  test("a login that is refused waits for the server's close, which says why; not for ever", () => {
    const bench = new Bench();
    bench.session.connected(0, "header.payload.signature");
    assert.deepEqual(bench.reply(1, { ok: false, code: "not_authenticated", text: "expired" }), []);
    assert.deepEqual(bench.wait(WELCOME_MS), [{ type: "close", code: 4500, reason: "expired" }]);
  });

  test("no welcome in 5 s: the connection is given up", () => {
    const bench = new Bench();
    bench.session.connected(0);
    assert.deepEqual(bench.wait(WELCOME_MS), [{ type: "close", code: 4003, reason: "no welcome" }]);
  });

  test("a reply finds its request, once; others are nobody's", () => {
    const bench = new Bench().welcome();
    const id = bench.session.send({ op: "ping" }, 0);
    assert.deepEqual(types(bench.reply(id, { data: { server_time: 5 } })), ["reply"]);
    assert.deepEqual([...bench.reply(id), ...bench.reply(null), ...bench.reply("x")], []);
  });

  test("one that gets no reply is given up, at its time or with the connection", () => {
    const bench = new Bench().welcome();
    const id = bench.session.send({ op: "ping" }, 0);
    for (let ms = 0; ms < REPLY_MS; ms += 1_000, bench.beat()) assert.deepEqual(bench.wait(ms === 0 ? 0 : 1_000), []);
    assert.deepEqual(bench.wait(1_000), [{ type: "unanswered", id }]);
    const other = bench.session.send({ op: "ping" }, bench.now);
    bench.session.disconnected();
    assert.deepEqual(bench.session.events(), [{ type: "unanswered", id: other }]);
  });

  test("there is a limit to those under way", () => {
    const bench = new Bench().welcome();
    for (let count = 0; count < PENDING_MAX; count += 1) bench.session.send({ op: "ping" }, 0);
    assert.throws(() => bench.session.send({ op: "ping" }, 0), TooManyRequests);
  });

  test("a refused subscription is told and not made again", () => {
    const bench = new Bench().welcome();
    bench.session.follow("book", ["NONE"], {}, 0);
    const [{ id }] = bench.asked() as [Asked];
    assert.deepEqual(types(bench.reply(id, { ok: false, code: "unknown_instrument", text: "NONE" })), ["refused"]);
    bench.session.disconnected();
    bench.welcome();
    assert.deepEqual(bench.asked(), []);
  });

  test("a subscription beyond the rate is made again in a while", () => {
    const bench = new Bench().welcome();
    bench.session.follow("book", ["ACME"], {}, 0);
    const [{ id }] = bench.asked() as [Asked];
    assert.deepEqual(bench.reply(id, { ok: false, code: "rate_limited", text: "20/s" }), []);
    bench.wait(REPAIR_MS);
    const [again] = bench.asked();
    assert.equal(again?.["channel"], "book");
    bench.reply((again as Asked).id);
    bench.hear(snapshotOf(1, [], []));
    bench.beat();
    bench.wait(REPAIR_MS);
    assert.deepEqual(bench.asked(), []);
  });

  test("unfollowing is asked for, and what still comes is nobody's", () => {
    const bench = following();
    bench.session.unfollow("book", ["ACME"], 0);
    assert.deepEqual(bench.asked().map(({ op, channel }) => [op, channel]), [["unsubscribe", "book"]]);
    assert.deepEqual(bench.hear(deltaOf(12, 13, [], [], 0)), []);
    assert.deepEqual(bench.beat({ ACME: 13 }), []);
    assert.equal(bench.session.book("ACME"), undefined);
  });
});

describe("a server that breaks the protocol", () => {
  test("is left, and nothing of the frame's rest is believed", () => {
    const bench = following();
    const events = bench.hear(deltaOf(12, 13, [[100, 6]], [], with6), { type: "heartbeat" });
    assert.deepEqual(reasons(events).slice(-2), ["disconnected", "close"]);
    assert.deepEqual(bench.hear(snapshotOf(13, [], [])), [], "it listens no more");
  });
});

describe("a new epoch", () => {
  const gone = { type: "status", instrument: "ACME", state: "delisted", reason: "listed no more", time: 5 };

  test("what it does not list is followed no more, and its book says so", () => {
    const bench = following();
    bench.session.follow("trades", ["ACME", "OTHER"], {}, 0);
    bench.asked();
    assert.deepEqual(types(bench.hear(gone)), ["status", "stale", "refused", "refused"]);
    assert.equal(bench.session.staleReason("ACME"), "delisted");
    assert.equal(bench.session.book("ACME"), undefined);
    bench.session.disconnected();
    bench.welcome();
    assert.deepEqual(bench.asked().map(({ channel, instruments }) => [channel, instruments]), [["trades", ["OTHER"]]]);
  });

  test("who follows all goes on without it", () => {
    const bench = new Bench().welcome();
    bench.session.follow("book", ["*"], {}, 0);
    bench.hear(snapshotOf(12, [[100, 5]], []));
    assert.deepEqual(types(bench.hear(gone)), ["status", "stale"]);
    bench.hear({ type: "heartbeat", server_time: 1, books: {} });
    assert.equal(bench.session.book("ACME"), undefined);
  });

  test("one that went while there was no connection does not take the others with it", () => {
    const bench = new Bench().welcome();
    bench.session.follow("ticker", ["ACME", "OTHER"], {}, 0);
    const [both] = bench.asked();
    bench.reply((both as Asked).id, { ok: false, code: "unknown_instrument", text: "ACME is not listed" });
    const [acme, other] = bench.asked() as [Asked, Asked];
    assert.deepEqual([acme["instruments"], other["instruments"]], [["ACME"], ["OTHER"]]);
    assert.deepEqual(types(bench.reply(acme.id, { ok: false, code: "unknown_instrument", text: "no" })), ["refused"]);
    assert.deepEqual(types(bench.reply(other.id)), []);
  });
});

describe("presence", () => {
  test("said at once and every 2 s while cancel_on_disconnect is on, on every connection", () => {
    const bench = new Bench().welcome();
    const ops = () => bench.asked().map(({ op }) => op);
    bench.wait(SILENCE_MS - 1);
    assert.deepEqual(ops(), []);
    bench.beat();
    bench.session.send({ op: "cancel_on_disconnect", on: true }, bench.now);
    const [request, present] = bench.asked() as [Asked, Asked];
    assert.deepEqual([request.op, present.op], ["cancel_on_disconnect", "present"]);
    bench.reply(request.id);
    bench.reply(present.id);
    bench.wait(PRESENT_MS - 1);
    assert.deepEqual(ops(), []);
    bench.wait(1);
    assert.deepEqual(ops(), ["present"]);
    bench.session.disconnected();
    bench.now += 60_000;
    bench.welcome();
    assert.deepEqual(ops(), ["present"]);
  });

  test("a heartbeat is enough to say it, where timers do not fire", () => {
    const bench = new Bench().welcome();
    bench.session.send({ op: "cancel_on_disconnect", on: true }, bench.now);
    bench.asked();
    bench.now += PRESENT_MS;
    bench.beat();
    assert.deepEqual(bench.asked().map(({ op }) => op), ["present"]);
  });

  test("the account says whether it is on, and an accepted request ends it", () => {
    const bench = new Bench().welcome();
    const account = { type: "account", user_seq: 0, orders: [], positions: {}, cash: {} };
    bench.hear({ ...account, cancel_on_disconnect: true });
    assert.deepEqual(bench.asked().map(({ op }) => op), ["present"]);
    const off = bench.session.send({ op: "cancel_on_disconnect", on: false }, bench.now);
    bench.now += PRESENT_MS;
    bench.beat();
    assert.deepEqual(bench.asked().map(({ op }) => op), ["cancel_on_disconnect", "present"], "till it is accepted");
    bench.reply(off);
    bench.now += PRESENT_MS;
    bench.beat();
    assert.deepEqual(bench.asked(), []);
  });

  test("a gateway that does not know it is asked once a connection", () => {
    const bench = new Bench().welcome();
    bench.session.send({ op: "cancel_on_disconnect", on: true }, bench.now);
    const [, present] = bench.asked() as [Asked, Asked];
    assert.deepEqual(bench.reply(present.id, { ok: false, code: "unknown_op", text: "op: …" }), []);
    bench.now += PRESENT_MS;
    bench.beat();
    assert.deepEqual(bench.asked(), []);
  });
});

test("the clock is asked: what was not heard for 3 s is stale before anyone says so", () => {
  const bench = following();
  assert.equal(bench.session.staleReason("ACME", SILENCE_MS - 1), null);
  assert.equal(bench.session.staleReason("ACME", SILENCE_MS), "disconnected");
  assert.ok(bench.session.isSilent(SILENCE_MS));
  bench.now = SILENCE_MS + 5;
  bench.beat({ ACME: 12 });
  assert.equal(bench.session.staleReason("ACME", bench.now), null);
});

for (const [text, kept] of [["a".repeat(124), "a".repeat(123)], ["日".repeat(60), "日".repeat(41)], ["😀".repeat(31), "😀".repeat(30)]] as const) {
  test(`a reason is cut by bytes between characters: ${text.slice(0, 2)}`, () => assert.equal(closeReason(text), kept));
}

test("a value that is nested without end is refused, not shown", () => {
  const bench = new Bench();
  bench.session.connected(0);
  bench.session.receive(`[{"type":"welcome","version":${"[".repeat(5_000)}${"]".repeat(5_000)}}]`, 0);
  assert.deepEqual(types(bench.session.events()), ["close"]);
});

describe("a server that breaks the protocol", () => {
  const left = (bench: Bench, ...messages: (Message | Record<string, unknown>)[]) => types(bench.hear(...messages)).includes("close");
  const beat = { type: "heartbeat", server_time: 1, books: {} };

  test("heartbeats are no welcome: a server that says nothing else is left", () => {
    const bench = new Bench();
    bench.session.connected(0);
    assert.ok(left(bench, beat));
    assert.equal(bench.session.nextDeadline(), null);
  });

  test("nothing is believed before the welcome, and no second one after it", () => {
    for (const message of [snapshotOf(1, [], []), { type: "status", instrument: null, state: "open", reason: "", time: 1 }]) {
      const bench = new Bench();
      bench.session.connected(0);
      assert.ok(left(bench, message), message.type);
    }
    const welcome = { type: "welcome", version: 1, session: "s", user: "eve", server_time: 1, heartbeat_ms: 1000, limits: {} };
    assert.ok(left(new Bench().welcome(), welcome));
  });

  test("three of its own heartbeats are waited for, and none beyond belief", () => {
    const bench = new Bench();
    const welcome = { type: "welcome", version: 1, session: "s", user: "ada", server_time: 1, limits: {} };
    bench.session.connected(0);
    bench.hear({ ...welcome, heartbeat_ms: 4_000 });
    assert.equal(bench.session.nextDeadline(), 12_000);
    for (const heartbeat_ms of [0, -1, 60_001, 1.5, "1000", null]) {
      const other = new Bench();
      other.session.connected(0);
      assert.ok(left(other, { ...welcome, heartbeat_ms }), String(heartbeat_ms));
    }
  });

  for (const [what, message] of [
    ["a price of none", deltaOf(12, 13, [[0, 1]], [], 0)],
    ["a price beyond every price", deltaOf(12, 13, [[2 ** 31, 1]], [], 0)],
    ["lots that the digest takes for none", deltaOf(12, 13, [[100, 2 ** 32]], [], 0)],
    ["a level without lots in a snapshot", snapshotOf(13, [[100, 0]], [])],
    ["cash that is no number", { type: "account", user_seq: 0, orders: [], positions: {}, cash: { USD: "1,5" }, cancel_on_disconnect: false }],
    ["a tick of nothing", { type: "instrument", symbol: "A", kind: "share", name: "", currency: "", tick_size: "0.00", lot_size: 1, price_max: 1, quantity_max: 1, option: null, session: null }],
    ["lots of nothing", { type: "instrument", symbol: "A", kind: "share", name: "", currency: "", tick_size: "0.01", lot_size: 0, price_max: 1, quantity_max: 1, option: null, session: null }],
  ] as const) {
    test(`${what} is no message`, () => assert.ok(left(following(), message)));
  }

  test("a snapshot or a delta of another depth is not for this book", () => {
    const bench = following();
    bench.hear(snapshotOf(13, [[100, 5]], [], { depth: 5 }), deltaOf(12, 13, [[100, 6]], [], with6, { depth: 5 }));
    const book = bench.session.book("ACME");
    assert.deepEqual([book?.seq, book?.depth, bench.session.staleReason("ACME")], [12, 0, null]);
  });
});

test("a wish that cannot be written is refused before it is one", () => {
  const bench = new Bench().welcome();
  for (const instrument of [null, 5, 5n, Symbol("ACME"), Object.create(null), ["ACME"], "\ud800", "A".repeat(300_000)])
    assert.throws(() => bench.session.follow("ticker", [instrument as string], {}, 0), InvalidArgument);
  bench.session.disconnected();
  bench.session.connected(0);
  bench.welcome();
  assert.deepEqual(bench.asked(), []);
});

test("a replica that is kept no more is not vouched for by the next one", () => {
  const bench = following();
  const old = bench.session.book("ACME");
  bench.session.unfollow("book", ["ACME"], 0);
  assert.equal(bench.session.staleReason("ACME", 0, old), "unfollowed");
  bench.session.follow("book", ["ACME"], {}, 0);
  bench.hear(snapshotOf(20, [[100, 6]], []));
  assert.equal(bench.session.staleReason("ACME", 0, old), "unfollowed");
  assert.equal(bench.session.staleReason("ACME", 0, bench.session.book("ACME")), null);
});
