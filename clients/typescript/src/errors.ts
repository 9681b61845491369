/**
 * What can go wrong, as classes.
 *
 * ```
 * OpenOutcryError
 * ├── ProtocolError      the server sent what version 1 does not allow
 * ├── Refused            a request was answered with "no"
 * │   ├── OrderRefused     so was an order, or what should become of one
 * │   └── TooManyRequests  more requests wait for answers than this client keeps
 * ├── Unanswered         no answer came: what became of the request is not known
 * │   └── OutcomeUnknown   an order may stand or not; to repeat it is safe
 * ├── NotConnected       there is no connection to ask on at present
 * ├── NotProven          (openoutcry/proofs) a receipt or a head does not prove what it says
 * │   └── OtherSize        two heads of different blocks need a consistency proof to be compared
 * ├── InvalidArgument    what you gave cannot be, such as a price of 99.9
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

/** An order was refused, or a cancel, a replace, a cancelAll, a cancelOnDisconnect: nothing came of it. */
export class OrderRefused extends Refused {
  /** The request: "order", "cancel", … */
  readonly op: string;
  /** The order's, null where the request named none. */
  readonly clientOrderId: string | null;

  constructor(code: string, text: string, orderId: number | null, op: string, clientOrderId: string | null) {
    super(code, text, orderId);
    this.op = op;
    this.clientOrderId = clientOrderId;
  }
}

/**
 * No answer came in time, or the connection ended first. The request may have been carried out or not: look at the
 * account, or repeat an order under the same `client_order_id`.
 */
export class Unanswered extends OpenOutcryError {}

/** An order, or what should become of one, is `Unanswered`, or the exchange itself does not know its outcome. */
export class OutcomeUnknown extends Unanswered {
  /** The request: "order", "cancel", … */
  readonly op: string;
  /** The order's, null where the request named none: to repeat an order under the same one is safe. */
  readonly clientOrderId: string | null;

  constructor(op: string, clientOrderId: string | null, reason: string) {
    super(`outcome of ${op} unknown: ${reason}${clientOrderId === null ? "" : `; to repeat it with client_order_id "${clientOrderId}" is safe`}`);
    this.op = op;
    this.clientOrderId = clientOrderId;
  }
}

/** There is no connection at present. Nothing was sent. */
export class NotConnected extends OpenOutcryError {}

/** Too many requests wait for their answers. Nothing was sent. Its code is that of a busy exchange: try again in a moment. */
export class TooManyRequests extends Refused {
  constructor(text: string) {
    super("busy", text);
  }
}

/** What was given cannot be, such as a price that is no whole number; the message names the field and its rule. Nothing was sent. */
export class InvalidArgument extends OpenOutcryError {}

/**
 * The connection ended, and trying again would change nothing: a close code from 4500 to 4999, or an HTTP status below
 * 500 at the handshake, but for 408, 425 and 429.
 */
export class ConnectionRefused extends OpenOutcryError {
  /** WebSocket close code; or the HTTP status of a refusal that names none. */
  readonly code: number;

  constructor(code: number, text: string) {
    super(`${code}: ${text}`);
    this.code = code;
  }
}
