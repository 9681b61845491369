/**
 * Where tokens come from, and what is none: refused before it is sent to anybody, by a sentence that never repeats it.
 */

import { OpenOutcryError } from "./errors.js";

/** Time for a token function to give one. */
export const TOKEN_MS = 10_000;
/** Servers take no longer ones. */
export const TOKEN_LETTERS_MAX = 8_000;
/** RFC 6750, 2.1. */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

/** A token; or a function that gets one for each connection. */
export type TokenSource = string | (() => string | Promise<string>);

/** The function gave no token this time. Not what it threw or gave: secrets may be in both. */
export class TokenFailed extends OpenOutcryError {}

/** Return a token without white space around it, such as the line end of a file. */
export function checkedToken(token: unknown): string {
  if (typeof token !== "string") throw new OpenOutcryError(`token: must be a string, or a function that gets one, not ${typeof token}`);
  const text = token.trim();
  if (text === "") throw new OpenOutcryError("token: is empty");
  if (text.length > TOKEN_LETTERS_MAX) throw new OpenOutcryError(`token: has ${text.length} letters, ${TOKEN_LETTERS_MAX} at most`);
  if (!TOKEN.test(text)) {
    const hint = /^bearer/i.test(text) ? "; leave out the word Bearer" : "";
    throw new OpenOutcryError(`token: must be letters, digits and - . _ ~ + / without spaces between${hint}`);
  }
  return text;
}

/** Return what was given, a text checked and stripped. */
export function checkedSource(source: TokenSource): TokenSource {
  return typeof source === "function" ? source : checkedToken(source);
}

/**
 * Get the token of the next connection.
 *
 * @param onWait Called with what gives up at once.
 * @throws TokenFailed if the function threw, rejected, was too slow, or gave what is no token.
 */
export async function nextToken(source: TokenSource, onWait: (giveUp: () => void) => void, timeoutMs = TOKEN_MS): Promise<string> {
  if (typeof source === "string") return source;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const fail = (text: string) => reject(new TokenFailed(text));
    timer = setTimeout(() => fail(`the token function gave none within ${timeoutMs} ms`), timeoutMs);
    onWait(() => fail("closed by the client"));
  });
  const given = Promise.resolve().then(source); // a function that throws is one that rejects
  try {
    return checkedToken(await Promise.race([given, late]));
  } catch (error) {
    if (error instanceof TokenFailed) throw error;
    if (error instanceof OpenOutcryError) throw new TokenFailed(`the token function gave none: ${error.message}`);
    throw new TokenFailed(`the token function threw ${error instanceof Error ? error.name : typeof error}`);
  } finally {
    clearTimeout(timer);
  }
}
