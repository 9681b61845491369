/**
 * The two WebSockets there are: the platform's own (browsers, Node 22, Deno, Bun) and the package `ws` (Node 20).
 *
 * The first cannot set headers, so the token goes into `login`; the second sends it in the handshake.
 */

import type { ClientRequest, IncomingMessage } from "node:http";

import { closeReason } from "./closeCodes.js";

/** The largest frame taken from a server, in bytes: a snapshot of about a million levels. */
export const FRAME_BYTES_MAX = 16 * 1024 * 1024;

/** Time for the peer's answer to a close; then the connection is cut. */
const CLOSE_MS = 1_000;

/** What is read of the body of a refused handshake. */
const REFUSAL_LETTERS_MAX = 200;

/** How a connection ended. `httpStatus` is that of a refused handshake, where the platform tells it. */
export interface SocketEnd {
  /** The close code; 1006 if there was none. */
  readonly code: number;
  readonly reason: string;
  readonly httpStatus?: number;
}

export interface SocketHandlers {
  readonly onOpen: () => void;
  readonly onFrame: (payload: string | Uint8Array) => void;
  /** Called at least once, whatever happened. */
  readonly onEnd: (end: SocketEnd) => void;
}

export interface Socket {
  send(frame: string | Uint8Array): void;
  /** Say why and end. Does not wait for the peer. */
  close(code: number, reason: string): void;
}

/** Opens WebSockets. */
export interface Dialer {
  /** Whether the handshake carries the token; if not, `login` must. */
  readonly sendsToken: boolean;
  dial(url: string, subprotocol: string, token: string, handlers: SocketHandlers): Socket;
}

/** What we use of the standard WebSocket. */
interface StandardSocket {
  binaryType: string;
  onopen: (() => void) | null;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null;
  onerror: (() => void) | null;
  send(frame: string | Uint8Array): void;
  close(code: number, reason: string): void;
}
type StandardSocketClass = new (url: string, subprotocol: string) => StandardSocket;

/** Return the platform's WebSocket if it has one, else that of `ws`. */
export async function platformDialer(): Promise<Dialer> {
  const { WebSocket: Standard } = globalThis as { readonly WebSocket?: StandardSocketClass };
  return Standard === undefined ? nodeDialer() : standardDialer(Standard);
}

/** Dial with a WebSocket class as browsers have it. */
export function standardDialer(Standard: StandardSocketClass): Dialer {
  return {
    sendsToken: false,
    dial(url, subprotocol, _token, { onOpen, onFrame, onEnd }) {
      const socket = new Standard(url, subprotocol);
      socket.binaryType = "arraybuffer";
      socket.onopen = onOpen;
      socket.onmessage = ({ data }) => onFrame(typeof data === "string" ? data : new Uint8Array(data as ArrayBuffer));
      socket.onclose = ({ code, reason }) => onEnd({ code, reason });
      socket.onerror = () => undefined; // "close" follows; the class of `ws` throws an error that nobody hears
      return { send: (frame) => socket.send(frame), close: (code, reason) => socket.close(code, closeReason(reason)) };
    },
  };
}

/** Read why a handshake was refused; the body of a 401 begins with the close code that a login would get. */
function readRefusal(response: IncomingMessage, onEnd: (end: SocketEnd) => void): void {
  const httpStatus = response.statusCode ?? 0;
  let body = "";
  const tell = () => {
    const named = httpStatus === 401 ? /^45\d\d\b/.exec(body) : null;
    onEnd({ code: named === null ? 1006 : Number(named[0]), reason: `HTTP ${httpStatus}: ${body.trim()}`, httpStatus });
  };
  response.setEncoding("utf8");
  response.on("data", (chunk: string) => (body = (body + chunk).slice(0, REFUSAL_LETTERS_MAX)));
  response.on("end", tell).on("error", tell).on("close", tell);
}

/** Dial with the package `ws`, the token in the handshake. */
export async function nodeDialer(): Promise<Dialer> {
  const { WebSocket } = await import("ws");
  return {
    sendsToken: true,
    dial(url, subprotocol, token, { onOpen, onFrame, onEnd }) {
      const headers = { Authorization: `Bearer ${token}` };
      const socket = new WebSocket(url, subprotocol, { headers, perMessageDeflate: false, maxPayload: FRAME_BYTES_MAX });
      let error = "";
      socket.on("open", onOpen);
      socket.on("message", (data: Buffer, isBinary: boolean) => onFrame(isBinary ? data : data.toString()));
      socket.on("unexpected-response", (request: ClientRequest, response: IncomingMessage) => {
        readRefusal(response, (end) => {
          onEnd(end);
          request.destroy();
        });
      });
      socket.on("error", ({ message }) => (error = message)); // "close" follows
      socket.on("close", (code: number, reason: Buffer) => onEnd({ code, reason: reason.toString() || error }));
      return {
        send: (frame) => socket.send(frame),
        close: (code, reason) => {
          socket.close(code, closeReason(reason));
          setTimeout(() => socket.terminate(), CLOSE_MS).unref();
        },
      };
    },
  };
}
