/**
 * The market as a program uses it: live books, trades and accounts, and orders; reconnecting is its own business.
 */

import { checkSymbol, checkText, checkUrl } from "./arguments.js";
import { InvalidArgument, NotConnected, OpenOutcryError, OrderRefused, OutcomeUnknown, Refused, Unanswered } from "./errors.js";
import { monotonicMs } from "./connection.js";
import { FeedSession } from "./feedSession.js";
import type { FollowOptions, SessionEvent, Statistics } from "./feedSession.js";
import { Link } from "./link.js";
import type { Auction, Encoding, Instrument, MarketState, Reply, Snapshot, Status, Terms, Ticker, Welcome } from "./messages.js";
import type { Action, Channel, IntervalMs, NewTerms, OrderName, PlaceOrder, QuotedPair, Request, Subscribe } from "./requests.js";
import { Signal } from "./signal.js";
import { platformDialer } from "./sockets.js";
import type { Dialer } from "./sockets.js";
import { checkedSource } from "./tokenSource.js";
import type { TokenSource } from "./tokenSource.js";
import { Book, Latest, LiveAccount, Trades } from "./views.js";

/** Time for the first connection to be welcomed, and for the first state of a view to come. */
export const FIRST_STATE_MS = 10_000;

const ENCODINGS: readonly string[] = ["msgpack", "json"];

export interface ConnectOptions {
  /**
   * A JSON Web Token, or a function that gets one for each connection. One that throws, gives none within 10 s or gives
   * what is no token costs an attempt; the next one follows after a wait.
   */
  readonly token: TokenSource;
  /** "msgpack" unless said otherwise. */
  readonly encoding?: Encoding;
  /** How to open WebSockets; the platform's way unless said otherwise. */
  readonly dialer?: Dialer;
  /** Returns numbers from 0 up to 1: which replica is the first, and how long to wait. */
  readonly random?: () => number;
}

/** An order, but for what has a default. `client_order_id` is made up if it is left out. */
export type OrderTerms = Omit<PlaceOrder, "op" | "instrument" | "client_order_id"> & { readonly client_order_id?: string };

/** What became of a quote. */
export interface QuoteOutcome {
  readonly quote_id: string;
  /** A sentence for each pair that was refused, by its number among the pairs; the old pair stays there. */
  readonly refused: ReadonlyMap<number, string>;
}

/**
 * Connect to a market, and stay connected.
 *
 * @param urls One or more replicas, as `ws://host:port/v1/stream`. Each attempt goes to the next.
 * @throws OpenOutcryError if the token is none; never repeats it. InvalidArgument if a URL or the encoding is none.
 * @throws ConnectionRefused if the server does not want this client.
 * @throws Unanswered if none welcomed it within FIRST_STATE_MS.
 */
export async function connect(urls: string | readonly string[], options: ConnectOptions): Promise<Market> {
  const replicas = typeof urls === "string" ? [urls] : urls;
  if (replicas.length === 0) throw new OpenOutcryError("connect needs at least one URL");
  const market = new Market(replicas, { ...options, dialer: options.dialer ?? (await platformDialer()) });
  try {
    await market.ready();
  } catch (error) {
    await market.close();
    throw error;
  }
  return market;
}

type View = Book | Latest<Snapshot> | Latest<Ticker> | Latest<Status> | Trades | LiveAccount;
type Answer = { readonly resolve: (reply: Reply) => void; readonly reject: (error: Error) => void };

/** A market that is being followed; `connect` makes one. */
export class Market {
  readonly #session: FeedSession;
  readonly #link: Link;
  readonly #running: Promise<void>;
  readonly #views = new Map<string, View>();
  readonly #answers = new Map<number, Answer>();
  readonly #instruments = new Map<string, Instrument>();
  readonly #terms = new Map<string, Terms>();
  /** Fires with every welcome and definition. */
  readonly #news = new Signal();
  #welcome: Welcome | null = null;
  /** Set when it is over: the reason, null if it was left. */
  #end: { readonly reason: Error | null } | null = null;

  constructor(urls: readonly string[], options: ConnectOptions & { readonly dialer: Dialer }) {
    const { token, dialer, encoding = "msgpack", random = Math.random } = options;
    urls.forEach(checkUrl);
    if (!ENCODINGS.includes(encoding)) throw new InvalidArgument(`encoding: must be one of "msgpack", "json", not ${String(encoding)}`);
    this.#session = new FeedSession({ encoding });
    this.#link = new Link(this.#session, { urls, token: checkedSource(token), dialer, random, onEvent: (event) => this.#onEvent(event) });
    this.#running = this.#run();
  }

  // -- the connection -----------------------------------------------------------------------------------------------

  /** Whether there is a connection that requests can be made on. */
  get isConnected(): boolean {
    return this.#session.isReady;
  }

  /** What the server said of the newest connection: its session's name, the user, the limits. */
  get welcome(): Welcome | null {
    return this.#welcome;
  }

  /** State of the gateway's feed: "open", or why books may be old. */
  get feedState(): MarketState {
    return this.#session.feedState;
  }

  /** Counters of what was verified, and of what went wrong. */
  get statistics(): Readonly<Statistics> {
    return this.#session.statistics;
  }

  /** Wait until there is a connection. Rejects as `connect` does. */
  async ready(): Promise<void> {
    await this.#within(this.#news, () => this.#session.isReady, "no welcome", () => this.#link.lastEnd);
  }

  /** Leave. All loops over views finish; requests under way are unanswered. */
  async close(): Promise<void> {
    this.#link.close();
    await this.#running;
  }

  // -- following ----------------------------------------------------------------------------------------------------

  /**
   * Follow a book, verified; returns it when its first state has come.
   *
   * @param options `depth` 0 (all), 5, 10, 20 or 50 levels a side. A book has one depth: asking again replaces it.
   * @throws Refused if there is no such instrument, for example. NotConnected, or why it ended, if the market is over.
   */
  async book(instrument: string, options: FollowOptions = {}): Promise<Book> {
    checkSymbol(instrument);
    const book = this.#follow("book", instrument, options, () => {
      this.#session.follow("book", [instrument], options, monotonicMs());
      const replica = this.#session.book(instrument);
      if (replica === undefined) throw new OpenOutcryError(`${instrument} is not followed`);
      return new Book(instrument, replica, this.#session);
    });
    await this.#within(book.signal, () => book.hasState, `no book of ${instrument}`);
    return book;
  }

  /** Follow the best `depth` levels (0 means 1) as small whole snapshots, verified. */
  async top(instrument: string, options: FollowOptions = {}): Promise<Latest<Snapshot>> {
    return this.#latest<Snapshot>("top", instrument, options);
  }

  /** Follow best prices and statistics. */
  async ticker(instrument: string, intervalMs: IntervalMs = 0): Promise<Latest<Ticker>> {
    return this.#latest<Ticker>("ticker", instrument, { intervalMs });
  }

  /** Follow the state of an instrument: open, halted, closed, auction. */
  async status(instrument: string): Promise<Latest<Status>> {
    return this.#latest<Status>("status", instrument, {});
  }

  /** Follow trades, the last 50 first. */
  trades(instrument: string): Trades {
    checkSymbol(instrument);
    return this.#followNow("trades", instrument, () => new Trades());
  }

  /** Follow the user's own orders and positions; returns them when they have come. */
  async account(): Promise<LiveAccount> {
    const account = this.#followNow("account", "*", () => new LiveAccount(this.#session.account, () => this.#session.isSilent(monotonicMs())));
    await this.#within(account.signal, () => !account.stale, "no account");
    return account;
  }

  /** Follow no more; loops over the view finish. */
  unfollow(channel: Channel, instrument = "*"): void {
    checkText("instrument", instrument);
    const name = nameOf(channel, instrument);
    this.#views.get(name)?.signal.end(null);
    this.#views.delete(name);
    this.#session.unfollow(channel, [instrument], monotonicMs());
    this.#link.pump();
  }

  // -- asking -------------------------------------------------------------------------------------------------------

  /**
   * Place an order. Returns the exchange's id for it once its outcome is in the feed: what was acknowledged survives any
   * process's death.
   *
   * @throws OrderRefused with the reason.
   * @throws OutcomeUnknown if the connection ended first, or the exchange does not know: repeat it under the same
   *   `client_order_id`, it never trades twice.
   * @throws NotConnected, TooManyRequests, InvalidArgument if nothing was sent.
   */
  async order(instrument: string, terms: OrderTerms): Promise<number> {
    const client_order_id = terms.client_order_id ?? newOrderId();
    return numberIn(await this.#ask({ op: "order", instrument, ...terms, client_order_id }), "order_id");
  }

  /** Cancel an open order; returns the exchange's id for it. Throws as `order` does. */
  async cancel(order: OrderName): Promise<number> {
    return numberIn(await this.#ask({ op: "cancel", ...order }), "order_id");
  }

  /** Change an open order's price or total quantity; returns the exchange's id for it. Throws as `order` does. */
  async replace(order: OrderName, terms: NewTerms): Promise<number> {
    return numberIn(await this.#ask({ op: "replace", ...order, ...terms }), "order_id");
  }

  /**
   * Quote both sides of instruments at once; for the role `market_maker`. Each pair takes the place of the user's pair in
   * that instrument: what does not change keeps its place. Throws as `order` does, if nothing was taken.
   *
   * @param quoteId Unique as a `client_order_id` is; made up if it is left out. Repeating with it is safe.
   */
  async quote(pairs: readonly QuotedPair[], quoteId: string = newOrderId()): Promise<QuoteOutcome> {
    const data = await this.#ask({ op: "quote", quote_id: quoteId, pairs });
    const refused = Object.entries((data["refused"] ?? {}) as Record<string, unknown>);
    return { quote_id: quoteId, refused: new Map(refused.map(([place, text]) => [Number(place), String(text)])) };
  }

  /**
   * Exercise lots of an option: money and lots of its underlying change hands, both or neither; for the role `trader`.
   * Throws as `order` does.
   *
   * @param exerciseId The same again changes nothing, so repeating is safe; made up if it is left out.
   */
  async exercise(instrument: string, lots: number, exerciseId: string = newOrderId()): Promise<void> {
    await this.#ask({ op: "exercise", exercise_id: exerciseId, instrument, lots });
  }

  /** Cancel all open orders, or those of one instrument; returns how many. Throws as `order` does. */
  async cancelAll(instrument?: string): Promise<number> {
    return numberIn(await this.#ask({ op: "cancel_all", instrument }), "cancelled");
  }

  /**
   * Have all open orders cancelled when this user has been away from every replica for longer than the exchange's grace
   * (10 s unless its operator says otherwise), or no longer. It holds for the user, over connections, until it is set
   * again; the account says how it stands. Throws as `order` does; asking again is always safe.
   */
  async cancelOnDisconnect(on: boolean): Promise<void> {
    await this.#ask({ op: "cancel_on_disconnect", on });
  }

  /**
   * Propose actions of the market's administration, all or none of them; for `admin` and `compliance`. The reply's `state` is
   * `proposed` (it waits for another administrator) or `done`. The same again under its id changes nothing.
   */
  async propose(proposalId: string, actions: readonly Action[]): Promise<Reply["data"]> {
    return this.#ask({ op: "admin", proposal_id: proposalId, actions });
  }

  /** Have another administrator's proposal carried out. Returns and throws as `propose`. */
  async confirm(proposalId: string): Promise<Reply["data"]> {
    return this.#ask({ op: "confirm", proposal_id: proposalId });
  }

  /** Take back a proposal of one's own that waits: its state is `withdrawn`. Returns and throws as `propose`. */
  async withdraw(proposalId: string): Promise<Reply["data"]> {
    return this.#ask({ op: "withdraw", proposal_id: proposalId });
  }

  /** Return a part of what is set and of what waits: `revision`, `total` and `rows`; for some roles. */
  async settings(start = 0): Promise<Reply["data"]> {
    return this.#ask({ op: "market", start });
  }

  /** What orders of an instrument are judged by beside its definition, as last heard: it comes after `instruments`. */
  terms(instrument: string): Terms | undefined {
    return this.#terms.get(instrument);
  }

  /** What an instrument's call would come to, of a book or ticker that is followed; undefined outside of a call. */
  auction(instrument: string): Auction | undefined {
    return this.#session.auctions.get(instrument);
  }

  /** Return all instruments' definitions. Throws as `order` does. */
  async instruments(): Promise<Instrument[]> {
    this.#terms.clear();
    this.#instruments.clear(); // the answer is the whole listing: what it does not name is listed no more
    const count = numberIn(await this.#ask({ op: "instruments" }), "count");
    await this.#within(this.#news, () => this.#instruments.size >= count, "no definitions");
    return [...this.#instruments.values()];
  }

  /** Return the gateway's clock, µs since 1970 UTC. Throws as `order` does. */
  async ping(): Promise<number> {
    return numberIn(await this.#ask({ op: "ping" }), "server_time");
  }

  async #ask(request: Exclude<Request, Subscribe>): Promise<Reply["data"]> {
    const id = this.#session.send(request, monotonicMs());
    const answered = new Promise<Reply>((resolve, reject) => this.#answers.set(id, { resolve, reject }));
    this.#link.pump();
    return dataOf(request, await answered.catch((error: unknown) => {
      throw error instanceof Unanswered ? unanswered(request, error.message) : error;
    }));
  }

  // -- private ------------------------------------------------------------------------------------------------------

  async #run(): Promise<void> {
    let reason: Error | null = null;
    try {
      await this.#link.run();
    } catch (error) {
      reason = error instanceof Error ? error : new Error(String(error));
    }
    this.#end = { reason };
    this.#news.end(reason);
    for (const view of this.#views.values()) view.signal.end(reason);
  }

  /** Return the view of that name, followed anew with these options; make it if there is none. */
  #follow<V extends View>(channel: Channel, instrument: string, options: FollowOptions, make: () => V): V {
    if (this.#end !== null) throw this.#end.reason ?? new NotConnected("the market was closed"); // nothing will come any more
    const name = nameOf(channel, instrument);
    const held = this.#views.get(name) as V | undefined;
    if (held !== undefined) this.#session.follow(channel, [instrument], options, monotonicMs());
    const view = held ?? make();
    this.#views.set(name, view);
    this.#link.pump();
    return view;
  }

  #followNow<V extends View>(channel: Channel, instrument: string, make: () => V, options: FollowOptions = {}): V {
    return this.#follow(channel, instrument, options, () => {
      this.#session.follow(channel, [instrument], options, monotonicMs());
      return make();
    });
  }

  async #latest<T extends Snapshot | Ticker | Status>(
    channel: Channel, instrument: string, options: FollowOptions,
  ): Promise<Latest<T>> {
    checkSymbol(instrument);
    const latest = this.#followNow(channel, instrument, () => new Latest<T>() as View, options) as Latest<T>;
    await this.#within(latest.signal, () => latest.value !== null, `no ${channel} of ${instrument}`);
    return latest;
  }

  #view<V extends View>(channel: Channel, instrument: string): V | undefined {
    return this.#views.get(nameOf(channel, instrument)) as V | undefined;
  }

  async #within(signal: Signal, isTrue: () => boolean, otherwise: string, why: () => string = () => ""): Promise<void> {
    const { promise, cancel } = timeout(FIRST_STATE_MS, () => {
      const reason = why();
      return `${otherwise} within ${FIRST_STATE_MS} ms${reason && `; ${reason}`}`;
    });
    try {
      await Promise.race([signal.until(isTrue), promise]);
    } finally {
      cancel();
    }
  }

  #onEvent(event: SessionEvent): void {
    switch (event.type) {
      case "welcome":
        this.#welcome = event;
        return this.#news.fire();
      case "instrument":
        this.#instruments.set(event.symbol, event);
        return this.#news.fire();
      case "terms":
        this.#terms.set(event.instrument, event);
        return this.#news.fire();
      case "auction":
        this.#view<Book>("book", event.instrument)?.signal.fire();
        return this.#news.fire();
      case "feed":
        for (const view of this.#views.values()) if (view instanceof Book) view.signal.fire();
        return;
      case "book":
        return this.#view<Book>("book", event.book.instrument)?.signal.fire();
      case "stale":
        return this.#view<Book>("book", event.instrument)?.signal.fire();
      case "top":
        return this.#view<Latest<Snapshot>>("top", event.snapshot.instrument)?.set(event.snapshot);
      case "ticker":
        return this.#view<Latest<Ticker>>("ticker", event.instrument)?.set(event);
      case "status":
        if (event.status.state === "delisted") this.#instruments.delete(event.status.instrument);
        return this.#view<Latest<Status>>("status", event.status.instrument)?.set(event.status);
      case "trade":
        return this.#view<Trades>("trades", event.instrument)?.push(event);
      case "account":
        if (event.execution === null) this.#view<LiveAccount>("account", "*")?.signal.fire();
        else this.#view<LiveAccount>("account", "*")?.push(event.execution);
        return;
      case "reply":
        return this.#answer(event.id, (answer) => answer.resolve(event.reply));
      case "unanswered":
        return this.#answer(event.id, (answer) => answer.reject(new Unanswered("no reply came")));
      case "refused":
        return this.#refuse(event.subscription, new Refused(event.code, event.text));
      case "transferred":
      case "account_stale":
        return this.#view<LiveAccount>("account", "*")?.signal.fire();
      case "trades_missed": // seen again by whoever reads the trades
      case "goodbye": // the link's business
      case "close":
        return;
    }
  }

  #answer(id: number, tell: (answer: Answer) => void): void {
    const answer = this.#answers.get(id);
    this.#answers.delete(id);
    if (answer !== undefined) tell(answer);
  }

  #refuse({ channel, instruments = ["*"] }: Subscribe, error: Refused): void {
    for (const instrument of instruments) {
      this.#view(channel, instrument)?.signal.end(error);
      this.#views.delete(nameOf(channel, instrument));
    }
  }
}

/** Return 24 random hexadecimal digits. `randomUUID` exists in secure contexts alone: not on a page of plain http. */
function newOrderId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function nameOf(channel: Channel, instrument: string): string {
  return `${channel} ${instrument}`;
}

/** Requests that change what may trade. */
const ORDER_OPS: readonly string[] = ["order", "cancel", "replace", "cancel_all", "cancel_on_disconnect", "quote", "exercise"];

/** Those whose answer may be lost when they have been carried out; to repeat them is safe. */
const REPEATABLE_OPS: readonly string[] = [...ORDER_OPS, "admin", "confirm", "withdraw"];

function dataOf(request: Request, { ok, code, text, data }: Reply): Reply["data"] {
  if (ok) return data;
  if (code === "outcome_unknown") throw unanswered(request, text);
  const orderId = typeof data["order_id"] === "number" ? data["order_id"] : null;
  if (!ORDER_OPS.includes(request.op)) throw new Refused(code, text, orderId);
  throw new OrderRefused(code, text, orderId, request.op, clientOrderIdIn(request));
}

function unanswered(request: Request, reason: string): Unanswered {
  return REPEATABLE_OPS.includes(request.op) ? new OutcomeUnknown(request.op, clientOrderIdIn(request), reason) : new Unanswered(reason);
}

function clientOrderIdIn(request: Request): string | null {
  return "client_order_id" in request ? (request.client_order_id ?? null) : null;
}

function numberIn(data: Reply["data"], name: string): number {
  const value = data[name];
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new OpenOutcryError(`a reply without ${name}`);
  return value as number;
}

function timeout(ms: number, text: () => string): { readonly promise: Promise<never>; readonly cancel: () => void } {
  let timer: NodeJS.Timeout | undefined;
  const promise = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Unanswered(text())), ms);
  });
  return { promise, cancel: () => clearTimeout(timer) };
}
