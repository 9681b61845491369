/**
 * What can go wrong, as classes.
 *
 * ```
 * OpenOutcryError
 * ├── ProtocolError      the server sent what version 1 does not allow
 * ├── Refused            the server answered a request with "no"
 * ├── Unanswered         no answer came: what became of the request is not known
 * ├── NotConnected       there is no connection to ask on at present
 * ├── TooManyRequests    more requests wait for answers than this client keeps
 * └── ConnectionRefused  the server does not want this client until something has changed
 * ```
 */

/** Root of all errors that this package throws at its users. */
export class OpenOutcryError extends Error {
  override get name(): string {
    return this.constructor.name;
  }
}

/** A frame or a message is not what version 1 of the protocol allows. The peer is at fault. */
export class ProtocolError extends OpenOutcryError {}

/** The server refused a request. `code` is one of the protocol's refusals; the message names field, rule and limit. */
export class Refused extends OpenOutcryError {
  readonly code: string;
  /** The order that it concerns, null if there is none: for `duplicate_order` the first one under its `client_order_id`. */
  readonly orderId: number | null;

  constructor(code: string, text: string, orderId: number | null = null) {
    super(`${code}: ${text}`);
    this.code = code;
    this.orderId = orderId;
  }
}

/**
 * No answer came in time, or the connection ended first. The request may have been carried out or not: look at the
 * account, or repeat an order under the same `client_order_id`.
 */
export class Unanswered extends OpenOutcryError {}

/** There is no connection at present. Nothing was sent. */
export class NotConnected extends OpenOutcryError {}

/** Too many requests wait for their answers. Nothing was sent. */
export class TooManyRequests extends OpenOutcryError {}

/**
 * The connection ended, and trying again would change nothing: a close code from 4500 to 4999, or an HTTP status from
 * 400 to 499 at the handshake.
 */
export class ConnectionRefused extends OpenOutcryError {
  /** WebSocket close code; or the HTTP status of a refusal that names none. */
  readonly code: number;

  constructor(code: number, text: string) {
    super(`${code}: ${text}`);
    this.code = code;
  }
}
