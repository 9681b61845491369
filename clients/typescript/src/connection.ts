/**
 * One connection: the loop around the session's core. Frames in, frames out, events on, deadlines kept.
 */

import type { FeedSession, SessionEvent } from "./feedSession.js";
import { SUBPROTOCOLS } from "./messages.js";
import type { Dialer, Socket, SocketEnd } from "./sockets.js";

/** Time for TCP, TLS and the handshake together. */
export const CONNECT_MS = 10_000;

/** A timer that is so late says that the program was busy. */
const BUSY_MS = 250;

/** Monotonic ms. */
export function monotonicMs(): number {
  return performance.now();
}

export class Connection {
  /** Resolves when it has ended, however it did. */
  readonly ended: Promise<SocketEnd>;
  readonly #session: FeedSession;
  readonly #onEvent: (event: SessionEvent) => void;
  readonly #socket: Socket;
  #finish: (end: SocketEnd) => void = () => undefined;
  #isOver = false;
  #timer: NodeJS.Timeout;
  /** When the timer will fire. */
  #timerDue: number;

  constructor(session: FeedSession, dialer: Dialer, url: string, token: string, onEvent: (event: SessionEvent) => void) {
    this.#session = session;
    this.#onEvent = onEvent;
    this.ended = new Promise((resolve) => (this.#finish = resolve));
    this.#socket = dialer.dial(url, SUBPROTOCOLS[session.encoding], token, {
      onOpen: () => this.#guard(() => this.#onOpen(dialer.sendsToken ? undefined : token)),
      onFrame: (payload) => this.#guard(() => session.receive(payload, monotonicMs())),
      onEnd: (end) => this.#end(end),
    });
    this.#timerDue = monotonicMs() + CONNECT_MS;
    this.#timer = setTimeout(() => this.close(1000, "no handshake"), CONNECT_MS);
  }

  /** Write what the session wants written, and pass its events on. Call it after every use of the session. */
  pump(): void {
    for (const frame of this.#session.framesToSend()) this.#socket.send(frame);
    for (const event of this.#session.events()) {
      if (event.type === "close") this.close(event.code, event.reason);
      else this.#onEvent(event);
    }
    if (!this.#isOver) this.#keepDeadline();
  }

  /** Say why and end; nothing more is heard of it. */
  close(code: number, reason: string): void {
    if (this.#isOver) return;
    this.#socket.close(code, reason);
    this.#end({ code, reason });
  }

  #onOpen(token: string | undefined): void {
    clearTimeout(this.#timer);
    this.#timerDue = Infinity;
    this.#session.connected(monotonicMs(), token);
  }

  /** Do this, unless it has ended. */
  #guard(act: () => void): void {
    if (this.#isOver) return;
    act();
    this.pump();
  }

  /** Have the timer fire at the next deadline or before. One that moved away costs one call in vain, not a timer a frame. */
  #keepDeadline(): void {
    const deadline = this.#session.nextDeadline() ?? Infinity;
    if (deadline < this.#timerDue) this.#wakeAt(deadline);
  }

  #wakeAt(due: number): void {
    clearTimeout(this.#timer);
    this.#timerDue = due;
    this.#timer = setTimeout(() => this.#onTimer(due), Math.max(0, due - monotonicMs()));
  }

  #onTimer(due: number): void {
    this.#timerDue = Infinity;
    const judge = () => this.#guard(() => this.#session.onDeadline(monotonicMs()));
    // Not the server was silent, this program was busy: what came meanwhile is read before anyone is judged. Once: where
    // every timer is late, as in a busy program or a hidden tab, the server's silence would else never be noticed.
    if (monotonicMs() - due > BUSY_MS) afterReading(judge);
    else judge();
  }

  #end(end: SocketEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#session.disconnected();
    this.pump();
    this.#finish(end);
  }
}

/** Call it when what has come by now has been heard: a timer would be late again. */
function afterReading(act: () => void): void {
  if (typeof setImmediate === "function") {
    setImmediate(act); // Node: behind the sockets in its turn
    return;
  }
  const { port1, port2 } = new MessageChannel(); // browsers: behind the events that are queued, and never throttled
  (port1 as unknown as { onmessage: () => void }).onmessage = () => {
    port1.close();
    act();
  };
  port2.postMessage(null);
}
