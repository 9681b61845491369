/**
 * The client's side of the protocol, without I/O: bytes and the time go in, events and frames come out.
 *
 * One session outlives its connections: it remembers what is followed and where each book stands, and asks for it again
 * with `resume` when there is a new one. It verifies every book by number and digest, every trade and execution by
 * number, and says `stale` as soon as it cannot vouch for something. Sockets, clocks and reconnecting are left to
 * `Market`, or to your own shell:
 *
 * ```ts
 * session.connected(now);
 * session.receive(payload, now);          // for each frame
 * session.onDeadline(now);                // when nextDeadline() has come
 * for (const frame of session.framesToSend()) socket.send(frame);
 * for (const event of session.events()) …
 * ```
 *
 * Times are monotonic milliseconds. Events and frames wait in lists until they are taken: take them after every call,
 * then what one frame can hold bounds both.
 */

import { AccountView } from "./accountView.js";
import { checkFields, checkText } from "./arguments.js";
import { HEARTBEAT_MISSED, NOT_AUTHENTICATED } from "./closeCodes.js";
import { DepthBook, Verdict } from "./depthBook.js";
import { NotConnected, OpenOutcryError, ProtocolError, TooManyRequests } from "./errors.js";
import { FollowedBook } from "./followedBook.js";
import type { Outcome, StaleReason } from "./followedBook.js";
import { decodePacket } from "./messages.js";
import type {
  Auction, Delta, Encoding, Execution, Goodbye, Heartbeat, Instrument, MarketState, Message, Reply, Snapshot, Status, Terms, Ticker, Trade,
  Transfer, Welcome,
} from "./messages.js";
import { PendingRequests } from "./pendingRequests.js";
import type { Pending } from "./pendingRequests.js";
import { Repairs } from "./repairs.js";
import { encodeRequest } from "./requests.js";
import type { Channel, IntervalMs, Position, Request, Subscribe } from "./requests.js";
import { depthOf, Subscriptions } from "./subscriptions.js";
import type { Wish } from "./subscriptions.js";
import { TradeTape } from "./tradeTape.js";
import type { MissedTrades } from "./tradeTape.js";

/** So many heartbeats' time without one, and nothing can be vouched for: 3 s at the usual one a second. */
export const HEARTBEATS_MISSED_MAX = 3;
/** Time for `welcome` to come. */
export const WELCOME_MS = 5_000;
/** Time for a reply to come: the exchange's own limit for an outcome is 5 s. */
export const REPLY_MS = 8_000;

/** Time between two `present`s while `cancel_on_disconnect` is on: after 5 s without a request the exchange takes us for away. */
export const PRESENT_MS = 2_000;

/** Requests of the user under way; one more is refused. */
export const PENDING_MAX = 1_024;

/** What happened, in order. */
export type SessionEvent =
  | Welcome
  | Ticker
  | Trade
  | Goodbye
  | Instrument
  | Terms
  | Auction
  /** A book changed, or can be vouched for again. It is verified. */
  | { readonly type: "book"; readonly book: DepthBook }
  /** A book cannot be vouched for till the next `book` event. */
  | { readonly type: "stale"; readonly instrument: string; readonly reason: StaleReason }
  /** A small window, whole and verified. */
  | { readonly type: "top"; readonly snapshot: Snapshot }
  /** Trades that cannot be had any more. Without `missed` the server said so, in words. */
  | { readonly type: "trades_missed"; readonly instrument: string; readonly missed: MissedTrades | null; readonly text: string }
  /** State of an instrument. */
  | { readonly type: "status"; readonly status: Status & { readonly instrument: string } }
  /** State of the gateway's feed; unless it is "open", books may be old. */
  | { readonly type: "feed"; readonly state: MarketState; readonly reason: string }
  /** The account changed: by this execution, or (null) as a whole. */
  | { readonly type: "account"; readonly account: AccountView; readonly execution: Execution | null }
  /** Lots or money came or went without a trade; the account has it. */
  | { readonly type: "transferred"; readonly account: AccountView; readonly transfer: Transfer }
  /** The account cannot be vouched for till the next `account` event. */
  | { readonly type: "account_stale" }
  /** A request of `send` was answered. */
  | { readonly type: "reply"; readonly id: number; readonly reply: Reply }
  /** A request of `send` will not be answered: its time is up, or the connection has ended. */
  | { readonly type: "unanswered"; readonly id: number }
  /** A subscription was refused, or has ended with its instrument, and is wanted no more. */
  | { readonly type: "refused"; readonly subscription: Subscribe; readonly code: string; readonly text: string }
  /** Close this connection with this code. The session listens to it no more. */
  | { readonly type: "close"; readonly code: number; readonly reason: string };

/** What a server may say before it knows the user. */
const BEFORE_WELCOME: readonly string[] = ["welcome", "reply", "goodbye"];

/** The channels in which instruments are followed. */
const INSTRUMENT_CHANNELS = ["book", "top", "ticker", "trades", "status"] as const;

export interface SessionOptions {
  readonly encoding?: Encoding;
  /** Milliseconds without a heartbeat; three times what `welcome` announces as theirs unless said otherwise. */
  readonly silenceMs?: number;
}

export interface FollowOptions {
  /** Levels a side; 0 is the whole book (in `top`: one level). */
  readonly depth?: number;
  /** At most one update in that time, merged; 0 takes the gateway's pace. */
  readonly intervalMs?: IntervalMs;
}

/** Counters since the session began. */
export interface Statistics {
  packets: number;
  /** Snapshots and deltas whose digest agreed. */
  verified: number;
  snapshots: number;
  deltas: number;
  duplicates: number;
  gaps: number;
  corruptions: number;
  repairs: number;
  tradesMissed: number;
}

type State = "offline" | "greeting" | "ready";

export class FeedSession {
  readonly encoding: Encoding;
  readonly statistics: Statistics = {
    packets: 0, verified: 0, snapshots: 0, deltas: 0, duplicates: 0, gaps: 0, corruptions: 0, repairs: 0, tradesMissed: 0,
  };
  readonly account = new AccountView();
  /** What calls would come to, by instrument, as far as a followed book or ticker tells. */
  readonly auctions = new Map<string, Auction>();
  readonly #silenceMsGiven: number | undefined;
  #silenceMs = Infinity;
  readonly #books = new Map<string, FollowedBook>();
  readonly #subscriptions = new Subscriptions();
  readonly #tape = new TradeTape();
  readonly #pending = new PendingRequests(REPLY_MS);
  readonly #repairs = new Repairs();
  readonly #delisted = new Set<string>();
  #state: State = "offline";
  #feedState: MarketState = "open";
  #silenceDeadline = Infinity;
  /** Whether `cancel_on_disconnect` is on, as far as is known. */
  #isWatched = false;
  /** When to say `present` again. */
  #presentAt = Infinity;
  /** Why `login` was refused, while the server's close is awaited. */
  #loginRefusal: string | null = null;
  #events: SessionEvent[] = [];
  #frames: (string | Uint8Array)[] = [];

  constructor({ encoding = "msgpack", silenceMs }: SessionOptions = {}) {
    this.encoding = encoding;
    this.#silenceMsGiven = silenceMs;
  }

  // -- what it knows ------------------------------------------------------------------------------------------------

  /** Whether the user is known and requests can be made. */
  get isReady(): boolean {
    return this.#state === "ready";
  }

  /** State of the gateway's feed as it last said; "open" until it says otherwise. */
  get feedState(): MarketState {
    return this.#feedState;
  }

  /** Return a followed book; undefined before it is followed. */
  book(instrument: string): DepthBook | undefined {
    return this.#books.get(instrument)?.book;
  }

  /**
   * Why a book cannot be vouched for, "feed" if the gateway itself cannot; null if it can.
   *
   * @param now With it the clock is asked too: "disconnected" if no heartbeat was heard for too long.
   * @param book With it the question is about this very replica: "unfollowed" if it is no longer the one that is kept.
   */
  staleReason(instrument: string, now = -Infinity, book?: DepthBook): StaleReason | "feed" | null {
    const followed = this.#books.get(instrument);
    if (book !== undefined && followed?.book !== book) return this.#delisted.has(instrument) ? "delisted" : "unfollowed";
    if (followed === undefined) return this.#delisted.has(instrument) ? "delisted" : "joining";
    return followed.staleReason ?? (this.isSilent(now) ? "disconnected" : this.#feedState === "open" ? null : "feed");
  }

  /** Whether no heartbeat was heard for so long that nothing can be vouched for, be it that this program heard nothing. */
  isSilent(now: number): boolean {
    return now >= this.#silenceDeadline;
  }

  // -- the connection -----------------------------------------------------------------------------------------------

  /**
   * A connection is open.
   *
   * @param token Sent as `login`. Leave it out if the handshake carried it.
   */
  connected(now: number, token?: string): void {
    this.#state = "greeting";
    this.#feedState = "open";
    this.#loginRefusal = null;
    this.#silenceDeadline = now + WELCOME_MS;
    if (token !== undefined) this.#askOwn({ op: "login", token }, now);
  }

  /** The connection has ended, however it did. Nothing can be vouched for till the next one. */
  disconnected(): void {
    this.#state = "offline";
    this.#silenceDeadline = Infinity;
    this.#presentAt = Infinity;
    this.#frames = [];
    this.auctions.clear();
    this.#repairs.endAll();
    for (const [instrument, followed] of this.#books) {
      if (followed.onDisconnected()) this.#events.push({ type: "stale", instrument, reason: "disconnected" });
    }
    if (!this.account.stale) this.#loseAccount();
    this.#tellUnanswered(this.#pending.takeAll());
  }

  /** Take one frame's payload: a packet of messages. */
  receive(payload: string | Uint8Array, now: number): void {
    if (this.#state === "offline") return;
    this.statistics.packets += 1;
    try {
      for (const message of decodePacket(payload, this.encoding)) this.#onMessage(message, now);
      this.#sayPresent(now); // heartbeats wake a program whose timers are late, as those of a hidden tab
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#close(HEARTBEAT_MISSED, error.message);
    }
  }

  /** Return what happened since the last call. */
  events(): SessionEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** Return what is to be sent since the last call, one frame each: texts in JSON, bytes in msgpack. */
  framesToSend(): (string | Uint8Array)[] {
    const frames = this.#frames;
    this.#frames = [];
    return frames;
  }

  /** When `onDeadline` wants to be called; null if never. */
  nextDeadline(): number | null {
    const deadlines = [this.#silenceDeadline, this.#presentAt, this.#pending.nextDeadline(), this.#repairs.nextDeadline()];
    const next = Math.min(...deadlines.map((deadline) => deadline ?? Infinity));
    return next === Infinity ? null : next;
  }

  /** The time has come: give up what took too long. Calling it early does nothing. */
  onDeadline(now: number): void {
    if (this.#state === "offline") return;
    const overdue = this.#pending.takeOverdue(now);
    this.#tellUnanswered(overdue);
    const due = this.#repairs.takeDue(now);
    if (now >= this.#silenceDeadline) this.#onSilence();
    else if (due === null || overdue.some(({ request }) => request.op === "subscribe")) {
      this.#close(HEARTBEAT_MISSED, "asked for the state of a channel in vain");
    } else {
      for (const request of due) this.#askOwn(request, now);
      this.#sayPresent(now);
    }
  }

  // -- asking -------------------------------------------------------------------------------------------------------

  /**
   * Make a request now; its answer is a `reply` or `unanswered` event with the id returned. For subscriptions use
   * `follow`, which outlives the connection.
   *
   * @throws InvalidArgument if a field is not of its type, such as a price that is no whole number: nothing was sent.
   * @throws NotConnected without a connection that has been welcomed: nothing was sent.
   * @throws TooManyRequests if too many requests wait for their replies: nothing was sent.
   */
  send(request: Exclude<Request, Subscribe>, now: number): number {
    checkFields(request);
    if (this.#state !== "ready") throw new NotConnected("there is no connection at present");
    if (this.#pending.size >= PENDING_MAX) throw new TooManyRequests(`${PENDING_MAX} requests wait for their replies`);
    const id = this.#ask(request, false, now);
    if (request.op === "cancel_on_disconnect" && request.on) this.#onWatched(true, now);
    return id;
  }

  /**
   * Follow instruments (or `"*"`) in a channel, now and on every later connection. Following again replaces depth and
   * interval.
   *
   * @throws OpenOutcryError if an instrument's `book` and `top` would have the same depth: their snapshots could not be
   *   told apart.
   * @throws InvalidArgument if depth or interval is no whole number, or an instrument no text that a request can hold.
   */
  follow(channel: Channel, instruments: readonly string[], options: FollowOptions, now: number): void {
    const { depth = 0, intervalMs = 0 } = options;
    checkFields({ depth, intervalMs });
    for (const instrument of instruments) checkText("instrument", instrument);
    const news = new Subscriptions();
    for (const instrument of channel === "account" ? ["*"] : instruments) {
      const wish: Wish = { channel, instrument, depth, intervalMs };
      if (this.#subscriptions.isAmbiguous(wish)) throw new OpenOutcryError(`${instrument}: book and top of one depth`);
      this.#subscriptions.add(wish);
      news.add(wish);
      if (channel === "book" && instrument !== "*") this.#followedBook(instrument);
    }
    if (this.#state === "ready") for (const request of news.requests(new Map())) this.#askOwn(request, now);
  }

  /** Follow no more. */
  unfollow(channel: Channel, instruments: readonly string[], now: number): void {
    this.#forget(channel, instruments);
    if (this.#state !== "ready") return;
    this.#askOwn({ op: "unsubscribe", channel, instruments: channel === "account" ? undefined : instruments }, now);
  }

  /** Ask of the session's own accord. */
  #askOwn(request: Request, now: number): void {
    this.#ask(request, true, now);
  }

  /** `cancel_on_disconnect` was switched, or is about to be: from now on it is our own code that says that we are here. */
  #onWatched(isOn: boolean, now: number): void {
    if (isOn === this.#isWatched) return;
    this.#isWatched = isOn;
    this.#presentAt = isOn ? now : Infinity;
    this.#sayPresent(now);
  }

  #sayPresent(now: number): void {
    if (this.#state !== "ready" || now < this.#presentAt) return;
    this.#presentAt = now + PRESENT_MS;
    this.#askOwn({ op: "present" }, now);
  }

  #ask(request: Request, isOwn: boolean, now: number): number {
    const id = this.#pending.add(request, isOwn, now);
    this.#frames.push(encodeRequest({ ...request, id }, this.encoding));
    return id;
  }

  #forget(channel: Channel, instruments: readonly string[]): void {
    for (const instrument of channel === "account" ? ["*"] : instruments) {
      this.#subscriptions.remove(channel, instrument);
      this.#repairs.end(nameOf(channel, instrument));
      if (channel === "trades") this.#tape.forget(instrument);
      if (channel !== "book") continue;
      for (const held of instrument === "*" ? [...this.#books.keys()] : [instrument]) {
        if (this.#subscriptions.find("book", held) === undefined) this.#books.delete(held);
      }
    }
  }

  // -- hearing ------------------------------------------------------------------------------------------------------

  #onMessage(message: Message, now: number): void {
    if (this.#state === "greeting" && !BEFORE_WELCOME.includes(message.type)) throw new ProtocolError(`${message.type} before welcome`);
    switch (message.type) {
      case "welcome":
        return this.#onWelcome(message, now);
      case "reply":
        return this.#onReply(message, now);
      case "snapshot":
        return this.#onSnapshot(message, now);
      case "delta":
        return this.#onDelta(message, now);
      case "trade":
        return this.#onTrade(message);
      case "auction":
        if (message.kind === "") this.auctions.delete(message.instrument);
        else this.auctions.set(message.instrument, message);
        this.#events.push(message);
        return;
      case "status":
        return this.#onStatus(message);
      case "heartbeat":
        return this.#onHeartbeat(message, now);
      case "account":
        this.account.load(message);
        this.#onWatched(message.cancel_on_disconnect, now);
        this.#repairs.end(nameOf("account", "*"));
        this.#events.push({ type: "account", account: this.account, execution: null });
        return;
      case "execution":
      case "transfer":
        return this.#onPrivate(message, now);
      default:
        this.#events.push(message);
    }
  }

  #onWelcome(welcome: Welcome, now: number): void {
    if (this.#state === "ready") throw new ProtocolError("welcome: a second one");
    this.#state = "ready";
    this.#silenceMs = this.#silenceMsGiven ?? HEARTBEATS_MISSED_MAX * welcome.heartbeat_ms;
    this.#silenceDeadline = now + this.#silenceMs;
    this.#events.push(welcome);
    if (this.#isWatched) this.#presentAt = now;
    const positions = new Map<string, Position>();
    for (const [instrument, { resumePosition }] of this.#books) {
      if (resumePosition !== null) positions.set(instrument, resumePosition);
    }
    for (const request of this.#subscriptions.requests(positions)) this.#askOwn(request, now);
  }

  #onReply(reply: Reply, now: number): void {
    const pending = this.#pending.take(reply.id);
    if (pending === undefined) return; // its time was up, or it names none of ours
    const { id, request, isOwn } = pending;
    if (isOwn && request.op === "login") {
      if (!reply.ok) this.#loginRefusal = reply.text; // the server closes, with a code that says more
    } else if (request.op === "subscribe") {
      this.#onSubscriptionReply(request, reply, now);
    } else if (request.op === "present") {
      if (reply.code === "unknown_op") this.#presentAt = Infinity; // a gateway of before: it goes by pongs
    } else {
      if (reply.ok && request.op === "cancel_on_disconnect") this.#onWatched(request.on, now);
      if (!isOwn) this.#events.push({ type: "reply", id, reply });
    }
  }

  #onSubscriptionReply(subscription: Subscribe, { ok, code, text }: Reply, now: number): void {
    const what = `${subscription.channel} ${String(subscription.instruments)}, again`;
    if (code === "rate_limited") {
      this.#repairs.begin(what, subscription, now); // in a while
      return;
    }
    this.#repairs.end(what);
    if (ok) return;
    const { instruments = ["*"], resume = {} } = subscription;
    if (code === "unknown_instrument" && instruments.length > 1) {
      for (const name of instruments) { // one that is gone must not take the others with it
        const position = resume[name];
        const alone = { ...subscription, instruments: [name], resume: position && { [name]: position } };
        this.#askOwn(alone, now);
      }
      return;
    }
    this.#forget(subscription.channel, subscription.instruments ?? ["*"]);
    this.#events.push({ type: "refused", subscription, code, text });
  }

  #onHeartbeat(heartbeat: Heartbeat, now: number): void {
    this.#silenceDeadline = now + this.#silenceMs;
    for (const [instrument, seq] of Object.entries(heartbeat.books)) {
      if (this.#subscriptions.find("book", instrument) === undefined) continue;
      this.#settle(instrument, this.#followedBook(instrument).onHeartbeat(seq), now);
    }
  }

  #onSnapshot(snapshot: Snapshot, now: number): void {
    this.statistics.snapshots += 1;
    const { instrument, depth } = snapshot;
    const top = this.#subscriptions.find("top", instrument);
    if (top !== undefined && depthOf(top) === depth) this.#onTop(snapshot, top, now);
    else if (this.#subscriptions.find("book", instrument)?.depth === depth) { // of another depth it is not what was asked for
      this.#settle(instrument, this.#followedBook(instrument).onSnapshot(snapshot), now);
    }
  }

  #onTop(snapshot: Snapshot, { depth, intervalMs }: Wish, now: number): void {
    const { instrument } = snapshot;
    if (new DepthBook(instrument).load(snapshot) === Verdict.APPLY) {
      this.statistics.verified += 1;
      this.#repairs.end(nameOf("top", instrument));
      this.#events.push({ type: "top", snapshot });
      return;
    }
    this.statistics.corruptions += 1;
    const again: Subscribe = { op: "subscribe", channel: "top", instruments: [instrument], depth, interval_ms: intervalMs };
    this.#repair(nameOf("top", instrument), again, now);
  }

  #onDelta(delta: Delta, now: number): void {
    this.statistics.deltas += 1;
    const followed = this.#books.get(delta.instrument);
    if (followed === undefined) return; // followed no more
    const outcome = followed.onDelta(delta);
    if (outcome === "unchanged") this.statistics.duplicates += 1;
    this.#settle(delta.instrument, outcome, now);
  }

  /** Do what an observation of a book asks for. */
  #settle(instrument: string, outcome: Outcome, now: number): void {
    const { book, staleReason } = this.#followedBook(instrument);
    if (outcome === "updated") {
      this.statistics.verified += 1;
      this.#repairs.end(nameOf("book", instrument));
      this.#events.push({ type: "book", book });
    } else if (outcome === "lost") {
      if (staleReason === "corrupt") this.statistics.corruptions += 1;
      else this.statistics.gaps += 1;
      this.#events.push({ type: "stale", instrument, reason: staleReason ?? "gap" });
      this.#repair(nameOf("book", instrument), { op: "resync", instrument }, now);
    }
  }

  #onTrade(trade: Trade): void {
    const place = this.#tape.observe(trade);
    if (place === "repeated") return;
    if (place !== "next") {
      this.statistics.tradesMissed += place.last - place.first + 1;
      this.#events.push({ type: "trades_missed", instrument: trade.instrument, missed: place, text: "" });
    }
    this.#events.push(trade);
  }

  #onStatus(status: Status): void {
    const { instrument, state, reason } = status;
    if (instrument === null) {
      this.#feedState = state;
      this.#events.push({ type: "feed", state, reason });
    } else if (state === "resyncing") {
      this.#events.push({ type: "trades_missed", instrument, missed: null, text: reason });
    } else {
      this.#events.push({ type: "status", status: { ...status, instrument } });
      if (state === "delisted") this.#endInstrument(instrument, reason);
    }
  }

  /** Forget what a new epoch does not list: the server has ended what was followed of it. */
  #endInstrument(instrument: string, text: string): void {
    if (this.#books.has(instrument)) {
      this.#delisted.add(instrument);
      this.#events.push({ type: "stale", instrument, reason: "delisted" });
    }
    this.#books.delete(instrument);
    this.#tape.forget(instrument);
    this.auctions.delete(instrument);
    for (const channel of INSTRUMENT_CHANNELS) {
      if (this.#subscriptions.named(channel, instrument) === undefined) continue;
      this.#forget(channel, [instrument]);
      const subscription: Subscribe = { op: "subscribe", channel, instruments: [instrument] };
      this.#events.push({ type: "refused", subscription, code: "unknown_instrument", text });
    }
  }

  #onPrivate(message: Execution | Transfer, now: number): void {
    const { account } = this;
    const wasStale = account.stale;
    const verdict = message.type === "execution" ? account.apply(message) : account.applyTransfer(message);
    if (verdict === Verdict.APPLY) {
      this.#events.push(message.type === "execution" ? { type: "account", account, execution: message } : { type: "transferred", account, transfer: message });
    }
    if (verdict !== Verdict.GAP) return;
    if (!wasStale) this.#loseAccount();
    // `resync` is for books; subscribing again is what brings a whole account.
    this.#repair(nameOf("account", "*"), { op: "subscribe", channel: "account" }, now);
  }

  #loseAccount(): void {
    this.account.markStale();
    this.#events.push({ type: "account_stale" });
  }

  // -- private ------------------------------------------------------------------------------------------------------

  #followedBook(instrument: string): FollowedBook {
    const held = this.#books.get(instrument);
    if (held !== undefined) return held;
    this.#delisted.delete(instrument);
    const followed = new FollowedBook(instrument);
    this.#books.set(instrument, followed);
    return followed;
  }

  #repair(what: string, request: Request, now: number): void {
    if (!this.#repairs.begin(what, request, now)) return;
    this.statistics.repairs += 1;
    this.#askOwn(request, now);
  }

  #onSilence(): void {
    if (this.#loginRefusal !== null) this.#close(NOT_AUTHENTICATED, this.#loginRefusal);
    else this.#close(HEARTBEAT_MISSED, this.#state === "greeting" ? "no welcome" : "no heartbeat");
  }

  #tellUnanswered(requests: readonly Pending[]): void {
    for (const { id, isOwn } of requests) if (!isOwn) this.#events.push({ type: "unanswered", id });
  }

  /** Listen no more, and let the shell close. */
  #close(code: number, reason: string): void {
    this.disconnected();
    this.#events.push({ type: "close", code, reason });
  }
}

function nameOf(channel: Channel, instrument: string): string {
  return `${channel} ${instrument}`;
}
