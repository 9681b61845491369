/**
 * Close codes of docs/protocol.md and what they mean for reconnecting.
 */

/** Sent by this client when the server fell silent, or broke the protocol. */
export const HEARTBEAT_MISSED = 4003;
export const NOT_AUTHENTICATED = 4500;
export const TOKEN_EXPIRED = 4505;

/** 4500-4999: the client must not reconnect before something has changed. All others may. */
export function mayReconnect(closeCode: number): boolean {
  return closeCode < 4500 || closeCode > 4999;
}
