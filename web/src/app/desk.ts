/**
 * What the page knows, as signals; filled once a frame from the worker's newest state.
 *
 * The page asks for a frame when it has drawn the last one. While it is hidden it neither asks nor gets any, and says so:
 * what stands on the screen then is old, and is not called verified before a newer frame has come.
 */

import type { Auction, Execution, Instrument, Status, Terms, Ticker, Transfer } from "openoutcry";
import { batch, createSignal } from "solid-js";
import type { Accessor, Setter } from "solid-js";

import { Ring } from "../model/ring.js";
import type { LadderRow } from "../model/ladderRows.js";
import type {
  AccountFrame, Answer, Asked, BookFrame, ConnectionFrame, DepthFrame, Frame, FromWorker, Look, Notice, TapeEntry, ToWorker,
} from "../worker/protocol.js";

/** Trades and executions that the page keeps. */
const TAPE_MAX = 1_000;
const EXECUTIONS_MAX = 10_000;
/** Without a frame for so long the worker does not answer. */
const SILENT_MS = 2_500;

/** All that is known of one instrument. */
export class Entry {
  readonly symbol: string;
  readonly instrument: Accessor<Instrument | undefined>;
  readonly terms: Accessor<Terms | undefined>;
  readonly ticker: Accessor<Ticker | undefined>;
  readonly status: Accessor<Status | undefined>;
  readonly auction: Accessor<Auction | undefined>;
  readonly spark: Accessor<readonly number[]>;
  /** Closes of the last hour's minutes, ticks; empty if nobody told. */
  readonly minutes: Accessor<readonly number[]>;
  readonly set: {
    readonly instrument: Setter<Instrument | undefined>;
    readonly terms: Setter<Terms | undefined>;
    readonly ticker: Setter<Ticker | undefined>;
    readonly status: Setter<Status | undefined>;
    readonly auction: Setter<Auction | undefined>;
    readonly spark: Setter<readonly number[]>;
    readonly minutes: Setter<readonly number[]>;
  };

  constructor(symbol: string) {
    this.symbol = symbol;
    const [instrument, setInstrument] = createSignal<Instrument>();
    const [terms, setTerms] = createSignal<Terms>();
    const [ticker, setTicker] = createSignal<Ticker>();
    const [status, setStatus] = createSignal<Status>();
    const [auction, setAuction] = createSignal<Auction>();
    const [spark, setSpark] = createSignal<readonly number[]>([]);
    const [minutes, setMinutes] = createSignal<readonly number[]>([]);
    this.instrument = instrument;
    this.terms = terms;
    this.ticker = ticker;
    this.status = status;
    this.auction = auction;
    this.spark = spark;
    this.minutes = minutes;
    this.set = { instrument: setInstrument, terms: setTerms, ticker: setTicker, status: setStatus, auction: setAuction, spark: setSpark, minutes: setMinutes };
  }
}

const NOT_CONNECTED: ConnectionFrame = {
  link: { phase: "offline" }, feed: "open", user: "", session: "", url: "", serverMs: NaN, clockAheadMs: null, delay: null, verified: 0, gaps: 0,
  corruptions: 0,
};
const NO_ACCOUNT: AccountFrame = {
  stale: true, keepsAccounts: false, isMoneyCurrent: false, cancelOnDisconnect: false, orders: [], positions: {}, holdings: {}, cash: {}, reserved: {},
  result: {},
};
const NO_ROW: LadderRow = { price: 0, bid: 0, ask: 0, bidTotal: 0, askTotal: 0 };

function areEqualRows(one: LadderRow, other: LadderRow): boolean {
  return one.price === other.price && one.bid === other.bid && one.ask === other.ask && one.bidTotal === other.bidTotal && one.askTotal === other.askTotal;
}

type RowSignal = readonly [Accessor<LadderRow>, Setter<LadderRow>];

export class Desk {
  readonly entries = new Map<string, Entry>();
  readonly tape = new Ring<TapeEntry>(TAPE_MAX);
  readonly executions = new Ring<Execution | Transfer>(EXECUTIONS_MAX);
  readonly #worker: Worker;
  readonly #answers = new Map<number, (answer: Answer) => void>();
  readonly #rows: RowSignal[] = [];
  readonly #listed = new Set<string>();
  #asked = 0;
  #frames: { readonly frame: Frame; readonly provenAtWake: number }[] = [];
  #isDrawing = false;
  #askedAt = performance.now();
  /** How often the page has been asleep, and after which of these times it has proof that its worker is up to date. */
  #wakes = 0;
  #provenAtWake = 0;
  /** When the newest connection frame came, and what the server's time was then. */
  #serverAt = { local: 0, server: NaN };

  readonly symbols: Accessor<readonly string[]>;
  readonly connection: Accessor<ConnectionFrame>;
  readonly book: Accessor<Omit<BookFrame, "rows"> | null>;
  readonly rowCount: Accessor<number>;
  readonly depth: Accessor<DepthFrame | null>;
  readonly account: Accessor<AccountFrame>;
  readonly tapeVersion: Accessor<number>;
  readonly executionsVersion: Accessor<number>;
  readonly notices: Accessor<readonly Notice[]>;
  readonly isAsleep: Accessor<boolean>;
  readonly look: Accessor<Look | null>;
  /** Unix ms by the exchange's clock, once a second; NaN while it is not known. */
  readonly clock: Accessor<number>;
  /** Hears every request with its answer. */
  onAnswer: (request: Asked, answer: Answer) => void = () => undefined;
  readonly #set;

  constructor(worker: Worker) {
    this.#worker = worker;
    const [symbols, setSymbols] = createSignal<readonly string[]>([]);
    const [connection, setConnection] = createSignal(NOT_CONNECTED);
    const [book, setBook] = createSignal<Omit<BookFrame, "rows"> | null>(null);
    const [rowCount, setRowCount] = createSignal(0);
    const [depth, setDepth] = createSignal<DepthFrame | null>(null);
    const [account, setAccount] = createSignal(NO_ACCOUNT);
    const [tapeVersion, setTapeVersion] = createSignal(0);
    const [executionsVersion, setExecutionsVersion] = createSignal(0);
    const [notices, setNotices] = createSignal<readonly Notice[]>([]);
    const [isAsleep, setAsleep] = createSignal(document.hidden);
    const [look, setLook] = createSignal<Look | null>(null);
    const [clock, setClock] = createSignal(NaN);
    this.symbols = symbols;
    this.connection = connection;
    this.book = book;
    this.rowCount = rowCount;
    this.depth = depth;
    this.account = account;
    this.tapeVersion = tapeVersion;
    this.executionsVersion = executionsVersion;
    this.notices = notices;
    this.isAsleep = isAsleep;
    this.look = look;
    this.clock = clock;
    this.#set = { setSymbols, setConnection, setBook, setRowCount, setDepth, setAccount, setTapeVersion, setExecutionsVersion, setNotices, setAsleep, setLook, setClock };
    worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => this.#hear(data));
    document.addEventListener("visibilitychange", () => this.#onVisibility());
    document.addEventListener("resume", () => this.#onVisibility());
    setInterval(() => this.#onSecond(), 1_000);
    this.#askForFrame();
  }

  // -- asking ---------------------------------------------------------------------------------------------------------

  /** Ask the exchange, by the worker. Never rejects: what went wrong is in the answer. */
  ask(request: Asked): Promise<Answer> {
    this.#asked += 1;
    const id = this.#asked;
    return new Promise((resolve) => {
      this.#answers.set(id, (answer) => {
        resolve(answer);
        this.onAnswer(request, answer);
      });
      this.#say({ type: "ask", id, request });
    });
  }

  start(url: string, token: string): void {
    this.#say({ type: "start", url, token });
  }

  renew(token: string): void {
    this.#say({ type: "token", token });
  }

  hurry(): void {
    this.#say({ type: "hurry" });
  }

  stop(): void {
    this.#say({ type: "stop" });
    batch(() => {
      this.#set.setAccount(NO_ACCOUNT);
      this.executions.clear();
      this.#set.setExecutionsVersion((version) => version + 1);
    });
  }

  /** Look at an instrument, or at another part of its ladder. */
  lookAt(look: Look | null): void {
    const before = this.look();
    if (before !== null && look !== null && Object.entries(look).every(([name, value]) => before[name as keyof Look] === value)) return;
    this.#set.setLook(look);
    if (before?.symbol !== look?.symbol) {
      this.#set.setDepth(null);
      this.#set.setRowCount(0);
      this.#set.setBook(null);
    }
    this.#say({ type: "look", look });
  }

  entry(symbol: string): Entry {
    const found = this.entries.get(symbol) ?? new Entry(symbol);
    this.entries.set(symbol, found);
    return found;
  }

  /** A row of the ladder; it stays the same signal whatever comes. */
  row(at: number): Accessor<LadderRow> {
    return this.#rowSignal(at)[0];
  }

  /** The exchange's time now, Unix ms; NaN while it is not known. */
  serverNow(): number {
    return this.#serverAt.server + (performance.now() - this.#serverAt.local);
  }

  notice(notice: Notice): void {
    this.#set.setNotices((before) => [...before.slice(-4), notice]);
  }

  dismiss(notice: Notice): void {
    this.#set.setNotices((before) => before.filter((each) => each !== notice));
  }

  // -- hearing --------------------------------------------------------------------------------------------------------

  #hear(message: FromWorker): void {
    if (message.type === "answer") {
      this.#answers.get(message.id)?.(message);
      this.#answers.delete(message.id);
      return;
    }
    this.#frames.push({ frame: message, provenAtWake: this.#provenAtWake }); // few, since one is asked for at a time
    if (this.#isDrawing) return;
    this.#isDrawing = true;
    requestAnimationFrame(() => this.#draw());
  }

  #draw(): void {
    this.#isDrawing = false;
    const frames = this.#frames;
    this.#frames = [];
    batch(() => {
      for (const { frame } of frames) this.#apply(frame);
      if (!document.hidden && frames.at(-1)?.provenAtWake === this.#wakes) this.#set.setAsleep(false);
    });
    this.#askForFrame();
  }

  #apply(frame: Frame): void {
    const { connection, book, tape, executions, notices } = frame;
    if (connection !== undefined) {
      this.#serverAt = { local: performance.now(), server: connection.serverMs };
      this.#set.setConnection(connection);
    }
    this.#applyMarket(frame);
    if (book !== undefined) this.#applyBook(book);
    if (frame.depth !== undefined && frame.depth?.symbol === this.look()?.symbol) this.#set.setDepth(frame.depth);
    if (tape !== undefined && tape.symbol === this.look()?.symbol) {
      if (tape.begins) this.tape.clear();
      for (const entry of tape.entries) this.tape.push(entry);
      this.#set.setTapeVersion((version) => version + 1);
    }
    if (frame.account !== undefined) this.#set.setAccount(frame.account);
    if (executions !== undefined) {
      for (const execution of executions) this.executions.push(execution);
      this.#set.setExecutionsVersion((version) => version + 1);
    }
    for (const notice of notices ?? []) this.notice(notice);
  }

  #applyMarket({ instruments, delisted, terms, tickers, statuses, auctions, sparks }: Frame): void {
    for (const each of instruments ?? []) this.entry(each.symbol).set.instrument(each);
    for (const each of terms ?? []) this.entry(each.instrument).set.terms(each);
    for (const each of tickers ?? []) this.entry(each.instrument).set.ticker(each);
    for (const each of statuses ?? []) if (each.instrument !== null) this.entry(each.instrument).set.status(each);
    for (const each of auctions ?? []) this.entry(each.instrument).set.auction(each.kind === "" ? undefined : each);
    for (const [symbol, points] of Object.entries(sparks ?? {})) this.entry(symbol).set.spark(points);
    if (instruments !== undefined || delisted !== undefined) {
      const gone = new Set(delisted);
      for (const { symbol } of instruments ?? []) this.#listed.add(symbol);
      for (const symbol of gone) this.#listed.delete(symbol); // its definition stays: it may be on the screen
      this.#set.setSymbols([...this.#listed]);
    }
  }

  #applyBook(book: BookFrame | null): void {
    if (book !== null && book.symbol !== this.look()?.symbol) return; // of what was looked at before
    const rows = book?.rows ?? [];
    rows.forEach((row, at) => this.#rowSignal(at)[1](() => row));
    this.#set.setRowCount(rows.length);
    this.#set.setBook(book);
  }

  #rowSignal(at: number): RowSignal {
    return (this.#rows[at] ??= createSignal(NO_ROW, { equals: areEqualRows }));
  }

  // -- private --------------------------------------------------------------------------------------------------------

  #askForFrame(): void {
    this.#askedAt = performance.now();
    this.#say({ type: "draw" });
  }

  #say(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  #onVisibility(): void {
    this.#set.setAsleep(true);
    if (!document.hidden) this.#lookAgain();
  }

  /**
   * Trust nothing that was made before: a frame may have waited here since the page was hidden, and the worker's socket
   * holds all that came while it was frozen. What comes behind the answer to a ping is made of what came before it.
   */
  #lookAgain(): void {
    this.#set.setAsleep(true);
    this.#wakes += 1;
    const wake = this.#wakes;
    void this.ask({ op: "ping" }).then(() => {
      if (wake === this.#wakes) this.#provenAtWake = wake; // without a connection too: then that is said
    });
    this.#askForFrame();
  }

  #onSecond(): void {
    this.#set.setClock(Math.floor(this.serverNow() / 1_000) * 1_000);
    if (!document.hidden && !this.isAsleep() && performance.now() - this.#askedAt > SILENT_MS) this.#lookAgain();
  }
}
