/**
 * One connection after the other, to any of several replicas, until it is closed or refused for good.
 *
 * For a shell of your own beside `FeedSession`: `Market` is one, a page's worker that shows how the connection stands is
 * another.
 */

import { Backoff } from "./backoff.js";
import { mayReconnect, NOT_AUTHENTICATED, TOKEN_EXPIRED } from "./closeCodes.js";
import { Connection, monotonicMs } from "./connection.js";
import { ConnectionRefused, OpenOutcryError } from "./errors.js";
import type { FeedSession, SessionEvent } from "./feedSession.js";
import type { Goodbye } from "./messages.js";
import type { Dialer, SocketEnd } from "./sockets.js";
import { nextToken, TokenFailed } from "./tokenSource.js";
import type { TokenSource } from "./tokenSource.js";

/** A connection that served so long begins the next wait at the smallest bound. */
const GOOD_MS = 5_000;
/** The longest slot that a goodbye can give; beyond 24 days timers fire at once. */
const RETURN_MS_MAX = 600_000;
/** HTTP statuses below 500 that may be others the next time; no other may, a redirection neither. */
const PASSING_STATUSES = [408, 425, 429];

export interface LinkOptions {
  /** Replicas, all alike. Each attempt goes to the next. */
  readonly urls: readonly string[];
  readonly token: TokenSource;
  readonly dialer: Dialer;
  readonly onEvent: (event: SessionEvent) => void;
  /** Called when a replica is about to be dialled. */
  readonly onDial?: (url: string) => void;
  /** Called when a connection, or an attempt at one, has ended and the next one follows after so many ms. */
  readonly onWait?: (end: SocketEnd, waitMs: number) => void;
  /** Returns numbers from 0 up to 1. */
  readonly random: () => number;
}

export class Link {
  /** Why the last connection, or attempt at one, ended; empty before. */
  lastEnd = "";
  readonly #session: FeedSession;
  readonly #options: LinkOptions;
  readonly #backoff: Backoff;
  #connection: Connection | null = null;
  #isClosed = false;
  #stopWaiting: () => void = () => undefined;
  /** Ends the wait between two connections; does nothing at other times. */
  #endWait: () => void = () => undefined;
  /** Of the connection under way: when it was welcomed, and the goodbye with its time. */
  #welcomedAt: number | null = null;
  #goodbye: { readonly message: Goodbye; readonly at: number } | null = null;
  /** Tokens refused in a row. */
  #refusedTokens = 0;

  constructor(session: FeedSession, options: LinkOptions) {
    this.#session = session;
    this.#options = options;
    this.#backoff = new Backoff(options.random);
  }

  /**
   * Connect, and again whenever that ends.
   *
   * @throws ConnectionRefused if trying again would change nothing.
   */
  async run(): Promise<void> {
    const { urls, random } = this.#options;
    for (let index = Math.floor(random() * urls.length); !this.#isClosed; index += 1) {
      const end = await this.#serve(urls[index % urls.length] as string);
      this.lastEnd = end.reason;
      if (this.#isClosed) return;
      const waitMs = this.#waitAfter(end);
      this.#options.onWait?.(end, waitMs);
      await this.#wait(waitMs);
    }
  }

  /** Write what the session wants written. Call it after every use of the session. */
  pump(): void {
    this.#connection?.pump();
  }

  /** Wait no longer for the next connection, because a person asks for it; at other times nothing. */
  hurry(): void {
    this.#endWait();
  }

  /** Leave, and do not return. */
  close(): void {
    this.#isClosed = true;
    this.#connection?.close(1000, "closed by the client");
    this.#stopWaiting();
  }

  async #serve(url: string): Promise<SocketEnd> {
    const { token, dialer } = this.#options;
    this.#welcomedAt = null;
    this.#goodbye = null;
    let current: string;
    try {
      current = await nextToken(token, (giveUp) => (this.#stopWaiting = giveUp));
    } catch (error) {
      if (!(error instanceof TokenFailed)) throw error;
      return { code: 1006, reason: error.message }; // one failed attempt, as any other
    }
    if (this.#isClosed) return { code: 1000, reason: "closed by the client" };
    this.#options.onDial?.(url);
    try {
      this.#connection = new Connection(this.#session, dialer, url, current, (event) => this.#onEvent(event));
    } catch (error) { // as browsers do for ws: in a page of https:
      throw new OpenOutcryError(`${url} cannot be dialled: ${String(error)}`, { cause: error });
    }
    try {
      return await this.#connection.ended;
    } finally {
      this.#connection = null;
    }
  }

  #onEvent(event: SessionEvent): void {
    if (event.type === "welcome") {
      this.#welcomedAt = monotonicMs();
      this.#refusedTokens = 0;
    } else if (event.type === "goodbye") this.#goodbye = { message: event, at: monotonicMs() };
    this.#options.onEvent(event);
  }

  /** Return how long to wait before the next connection, in ms; throw if there must be none. */
  #waitAfter(end: SocketEnd): number {
    const now = monotonicMs();
    const goodbye = this.#goodbye;
    const code = goodbye?.message.code ?? end.code; // a goodbye says it even if the close frame is lost
    if (this.#isFinal({ ...end, code })) {
      throw new ConnectionRefused(mayReconnect(code) ? (end.httpStatus ?? code) : code, goodbye?.message.text ?? end.reason);
    }
    const isGood = this.#welcomedAt !== null && now - this.#welcomedAt >= GOOD_MS;
    if (isGood) this.#backoff.reset();
    // 0 is no slot: then, as after any other end, full jitter keeps all from returning at once. Who is sent away again
    // and again, as soon as it has come, backs off behind ever so near a slot too.
    const slotMs = goodbye?.message.reconnect_in_ms ?? 0;
    const waitMs = goodbye === null ? 0 : Math.max(0, goodbye.at + Math.min(slotMs, RETURN_MS_MAX) - now);
    return slotMs > 0 && isGood ? waitMs : Math.max(waitMs, this.#backoff.next());
  }

  #isFinal({ code, httpStatus }: SocketEnd): boolean {
    if (httpStatus === 401 || code === NOT_AUTHENTICATED || code === TOKEN_EXPIRED) {
      // A new token changes something: one more try with it.
      this.#refusedTokens += 1;
      return typeof this.#options.token === "string" || this.#refusedTokens > 1;
    }
    if (httpStatus !== undefined) return httpStatus < 500 && !PASSING_STATUSES.includes(httpStatus);
    return !mayReconnect(code);
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#endWait = () => undefined;
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.#stopWaiting = end;
      this.#endWait = end;
    });
  }
}
