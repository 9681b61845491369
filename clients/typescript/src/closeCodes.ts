/**
 * Close codes of docs/protocol.md and what they mean for reconnecting.
 */

/** Sent by this client when the server fell silent, or broke the protocol. */
export const HEARTBEAT_MISSED = 4003;
/** Of the reason in a close frame, in UTF-8 (RFC 6455, sections 5.5 and 7.1.6); sockets throw beyond it. */
const REASON_BYTES_MAX = 123;
export const NOT_AUTHENTICATED = 4500;
export const TOKEN_EXPIRED = 4505;

/** 4500-4999: the client must not reconnect before something has changed. All others may. */
export function mayReconnect(closeCode: number): boolean {
  return closeCode < 4500 || closeCode > 4999;
}

/** Return as much of a text as a close frame holds, no character cut in two. */
export function closeReason(text: string): string {
  const bytes = new Uint8Array(REASON_BYTES_MAX);
  const { written } = new TextEncoder().encodeInto(text, bytes);
  return new TextDecoder().decode(bytes.subarray(0, written));
}
