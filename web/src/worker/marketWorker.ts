/**
 * The market in a worker: the connection, and the newest state of all that the page may ask for.
 *
 * A busy page never makes a late heartbeat here, and a busy market never makes a late page: the page asks for a frame when
 * it draws, and gets what has changed, merged. Nothing here grows with time: what is queued for the page has a limit.
 */

import { checkedToken, FeedSession, InvalidArgument, Link, NotConnected, OpenOutcryError, TooManyRequests } from "openoutcry";
import type { Dialer, Reply, SessionEvent } from "openoutcry";

import type { Link as LinkState } from "../model/connectionWords.js";
import { Delays } from "../model/delays.js";
import { ServerClock } from "../model/serverClock.js";
import { AccountFrames } from "./accountFrames.js";
import { BookFrames } from "./bookFrames.js";
import { MarketFrames } from "./marketFrames.js";
import type { Answer, Asked, ConnectionFrame, Frame, FromWorker, Look, Notice, ToWorker } from "./protocol.js";

/** A frame comes at least so often while the page draws: so it knows that its worker lives. */
const FRAME_MS = 500;
/** Between two questions for the server's time; the first ones follow quickly. */
const PING_MS = 10_000;
const PINGS_AT_FIRST = 4;
const PING_AT_FIRST_MS = 250;
/** Between two whole accounts that are asked for because fills have changed the money. */
const ACCOUNT_MS = 1_000;
/** Tickers are merged: a list of prices needs no more. */
const TICKER_MS = 100;
const NOTICES_MAX = 50;

export interface Ports {
  readonly post: (message: FromWorker) => void;
  readonly dialer: Dialer;
  /** Monotonic ms. */
  readonly now: () => number;
  /** What this computer takes for the Unix time, ms. */
  readonly wallMs: () => number;
  readonly random: () => number;
}

export class MarketWorker {
  /** How often `tick` wants to be called. */
  static readonly TICK_MS = 250;
  readonly #ports: Ports;
  readonly #session = new FeedSession();
  readonly #market = new MarketFrames();
  readonly #book = new BookFrames(this.#session);
  readonly #account = new AccountFrames(this.#session);
  readonly #clock = new ServerClock();
  readonly #delays = new Delays();
  readonly #asked = new Map<number, number>();
  readonly #notices: Notice[] = [];
  #refused: NonNullable<Frame["refused"]>[number][] = [];
  #link: Link | null = null;
  #state: LinkState = { phase: "offline" };
  #waitUntil = 0;
  #attempt = 1;
  #url = "";
  #token = "";
  #user = "";
  #name = "";
  #isConnectionChanged = true;
  /** Whether the page waits for a frame, and since when it has had none. */
  #isOwed = false;
  #framedAt = -Infinity;
  #isScheduled = false;
  #ping: { readonly id: number; readonly at: number } | null = null;
  #pingedAt = -Infinity;
  #pings = 0;
  #accountAt = -Infinity;
  #login: number | null = null;
  #isListed = false;
  /** Snapshots are of any age: only deltas tell how long they were on their way. */
  #deltas = 0;
  readonly #heard = new Set<string>();

  constructor(ports: Ports) {
    this.#ports = ports;
  }

  /** A message of the page. */
  hear(message: ToWorker): void {
    switch (message.type) {
      case "start":
        return this.#start(message.url, message.token);
      case "token":
        return this.#renew(message.token);
      case "hurry":
        return this.#link?.hurry();
      case "stop":
        return this.#stop();
      case "look":
        return this.#lookAt(message.look);
      case "draw":
        this.#isOwed = true;
        return this.#schedule();
      case "ask":
        return this.#ask(message.id, message.request);
    }
  }

  /** Some time has passed. */
  tick(): void {
    const now = this.#ports.now();
    this.#market.tick(now);
    this.#book.tick(now);
    const symbol = this.#book.look?.symbol;
    if (symbol !== undefined) this.#account.settle(symbol, now);
    if (this.#session.isReady) this.#askOwn(now);
    if (this.#isOwed && now - this.#framedAt >= FRAME_MS) this.#isConnectionChanged = true;
    this.#schedule();
  }

  // -- the connection -------------------------------------------------------------------------------------------------

  #start(url: string, token: string): void {
    this.#link?.close();
    this.#url = url;
    this.#token = token;
    this.#attempt = 1;
    this.#setState({ phase: "connecting", attempt: 1 });
    const link = new Link(this.#session, {
      urls: [url],
      token: () => this.#token,
      dialer: this.#ports.dialer,
      random: this.#ports.random,
      onEvent: (event) => this.#onEvent(event),
      onDial: () => {
        // While it tries again it says so, and why; one attempt is too short to be read.
        if (this.#state.phase !== "reconnecting") this.#setState({ phase: "connecting", attempt: this.#attempt });
      },
      onWait: ({ reason, code }, waitMs) => {
        this.#waitUntil = this.#ports.now() + waitMs;
        this.#setState({ phase: "reconnecting", attempt: this.#attempt, reason: reason || (code === 1006 ? "nobody answers" : `closed with ${code}`), inMs: waitMs });
        this.#attempt += 1;
      },
    });
    this.#link = link;
    if (!this.#isListed) this.#follow();
    this.#isListed = true;
    link.run().then(
      () => undefined,
      (error: unknown) => {
        if (this.#link !== link) return;
        const code = error instanceof OpenOutcryError && "code" in error ? Number(error.code) : 0;
        const reason = error instanceof Error ? error.message.replace(/^\d+: /, "") : String(error);
        this.#setState({ phase: "refused", code, reason });
      },
    );
  }

  #follow(): void {
    const now = this.#ports.now();
    this.#session.follow("ticker", ["*"], { intervalMs: TICKER_MS }, now);
    this.#session.follow("status", ["*"], {}, now);
    this.#session.follow("account", ["*"], {}, now);
  }

  #renew(token: string): void {
    try {
      this.#token = checkedToken(token);
    } catch (error) {
      return this.#notice("bad", (error as Error).message);
    }
    if (!this.#session.isReady) return this.#start(this.#url, this.#token);
    this.#login = this.#session.send({ op: "login", token: this.#token }, this.#ports.now());
    this.#link?.pump();
  }

  #stop(): void {
    this.#link?.close();
    this.#link = null;
    this.#token = "";
    this.#setState({ phase: "offline" });
  }

  #setState(state: LinkState): void {
    this.#state = state;
    this.#isConnectionChanged = true;
    this.#schedule();
  }

  // -- what is looked at ----------------------------------------------------------------------------------------------

  #lookAt(look: Look | null): void {
    const now = this.#ports.now();
    const before = this.#book.look?.symbol;
    this.#book.look = look;
    if (before !== look?.symbol) {
      if (before !== undefined) {
        this.#session.unfollow("book", [before], now);
        this.#session.unfollow("trades", [before], now);
        this.#account.onLeft(before);
      }
      if (look !== null) this.#followBook(look.symbol, now);
      this.#link?.pump();
    }
    this.#schedule();
  }

  #followBook(symbol: string, now: number): void {
    this.#session.follow("book", [symbol], {}, now);
    this.#session.follow("trades", [symbol], {}, now);
  }

  // -- asking ---------------------------------------------------------------------------------------------------------

  #ask(id: number, request: Asked): void {
    try {
      this.#asked.set(this.#session.send(request, this.#ports.now()), id);
    } catch (error) {
      return this.#answer(id, false, codeOf(error), error instanceof Error ? error.message : String(error));
    }
    this.#link?.pump();
  }

  #answer(id: number, ok: boolean, code: string, text: string, data: Answer["data"] = {}): void {
    this.#ports.post({ type: "answer", id, ok, code, text, data });
  }

  /** Ask for what keeps the page true: the server's time, and money that fills have changed. */
  #askOwn(now: number): void {
    const pause = this.#pings < PINGS_AT_FIRST ? PING_AT_FIRST_MS : PING_MS;
    if (this.#ping === null && now - this.#pingedAt >= pause) {
      this.#pingedAt = now;
      this.#pings += 1;
      this.#ping = { id: this.#session.send({ op: "ping" }, now), at: now };
    }
    if (this.#account.isMoneyOld && now - this.#accountAt >= ACCOUNT_MS) {
      this.#accountAt = now;
      this.#session.follow("account", ["*"], {}, now);
    }
    this.#link?.pump();
  }

  // -- hearing --------------------------------------------------------------------------------------------------------

  #onEvent(event: SessionEvent): void {
    const now = this.#ports.now();
    this.#market.hear(event);
    this.#book.hear(event);
    switch (event.type) {
      case "welcome":
        this.#user = event.user;
        this.#name = event.session;
        this.#attempt = 1;
        this.#clock.forget();
        this.#clock.told(now, event.server_time / 1_000);
        this.#ping = null;
        this.#pings = 0;
        this.#pingedAt = -Infinity;
        this.#heard.clear();
        this.#setState({ phase: "live" });
        this.#asked.set(this.#session.send({ op: "instruments" }, now), 0);
        this.#askOwn(now);
        break;
      case "book":
        this.#measure(event.book.instrument, event.book.time, now);
        this.#account.onBook(event.book.instrument);
        break;
      case "instrument":
        if (event.symbol === this.#book.look?.symbol && this.#session.book(event.symbol) === undefined) this.#followBook(event.symbol, now); // listed again
        break;
      case "trade":
        this.#account.onTrade(event);
        break;
      case "account":
        this.#account.onAccount(event.execution, now);
        break;
      case "transferred":
        this.#account.onTransfer(event.transfer);
        break;
      case "account_stale":
        this.#account.onStale();
        break;
      case "feed":
      case "stale":
        this.#isConnectionChanged = true;
        break;
      case "reply":
        this.#onReply(event.id, event.reply, now);
        break;
      case "unanswered":
        this.#onUnanswered(event.id);
        break;
      case "refused":
        this.#refused.push({ channel: event.subscription.channel, code: event.code, text: event.text });
        if (this.#refused.length > NOTICES_MAX) this.#refused.shift();
        break;
      case "goodbye":
        this.#notice("warn", event.code === 4000 ? "This replica shuts down; the page moves to another." : `The exchange says goodbye: ${event.text}`);
        break;
      default:
    }
    this.#schedule();
  }

  #onReply(id: number, reply: Reply, now: number): void {
    if (id === this.#ping?.id) {
      const serverTime = reply.data["server_time"];
      if (reply.ok && typeof serverTime === "number") this.#clock.heard(this.#ping.at, now, serverTime / 1_000);
      this.#ping = null;
      this.#isConnectionChanged = true;
      return;
    }
    if (id === this.#login) {
      this.#login = null;
      if (!reply.ok) this.#notice("bad", `The new token was refused: ${reply.text}`);
      return;
    }
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    if (asked !== undefined && asked !== 0) this.#answer(asked, reply.ok, reply.code, reply.text, reply.data);
  }

  #onUnanswered(id: number): void {
    if (id === this.#ping?.id) this.#ping = null;
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    if (asked !== undefined && asked !== 0) this.#answer(asked, false, "unanswered", "no answer came: it may have been carried out or not");
  }

  #measure(instrument: string, timeUs: number, now: number): void {
    const { deltas } = this.#session.statistics;
    const isFirst = !this.#heard.has(instrument);
    this.#heard.add(instrument);
    if (deltas > this.#deltas && !isFirst && this.#clock.isKnown) this.#delays.add(now, this.#clock.at(now) - timeUs / 1_000);
    this.#deltas = deltas;
  }

  #notice(tone: Notice["tone"], text: string): void {
    this.#notices.push({ tone, text });
    if (this.#notices.length > NOTICES_MAX) this.#notices.shift();
    this.#schedule();
  }

  // -- frames ---------------------------------------------------------------------------------------------------------

  /** Have a frame posted, if the page waits for one, when all that came together has been heard. */
  #schedule(): void {
    if (!this.#isOwed || this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      if (this.#isOwed) this.#post();
    });
  }

  #post(): void {
    const now = this.#ports.now();
    const frame: { -readonly [Name in keyof Frame]: Frame[Name] } = {
      type: "frame", ...this.#market.take(), ...this.#account.take(), ...this.#book.take(now, this.#market.lastOf(this.#book.look?.symbol ?? "")),
    };
    if (this.#notices.length > 0) frame.notices = this.#notices.splice(0);
    if (this.#refused.length > 0) frame.refused = this.#refused;
    this.#refused = [];
    if (this.#isConnectionChanged || now - this.#framedAt >= FRAME_MS) frame.connection = this.#connection(now);
    if (Object.keys(frame).length === 1) return; // nothing is new: the page is still owed one
    this.#isConnectionChanged = false;
    this.#isOwed = false;
    if (frame.connection !== undefined) this.#framedAt = now;
    this.#ports.post(frame);
  }

  #connection(now: number): ConnectionFrame {
    const { verified, gaps, corruptions } = this.#session.statistics;
    const state = this.#state;
    const link = state.phase === "reconnecting" ? { ...state, inMs: Math.max(0, this.#waitUntil - now) } : state;
    const isExact = this.#clock.isKnown && this.#clock.errorMs < 5_000;
    return {
      link, feed: this.#session.feedState, user: this.#user, session: this.#name, url: this.#url, serverMs: this.#clock.at(now),
      clockAheadMs: isExact ? this.#ports.wallMs() - this.#clock.at(now) : null, delay: this.#delays.summary(now), verified, gaps, corruptions,
    };
  }
}

function codeOf(error: unknown): string {
  if (error instanceof NotConnected) return "not_connected";
  if (error instanceof TooManyRequests) return "busy";
  return error instanceof InvalidArgument ? "bad_request" : "failed";
}
