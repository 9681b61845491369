/** Who looks at the page: a token, pasted or by the company's login. It is kept for this tab alone. */

import { createSignal } from "solid-js";

import { claimsOf } from "../model/tokenClaims.js";
import type { Claims } from "../model/tokenClaims.js";

const NAME = "outcry.token";

function kept(): string {
  const given = /^#token=([^&]+)$/.exec(location.hash)?.[1];
  if (given !== undefined) {
    history.replaceState(null, "", location.pathname + location.search); // not in the history, and not in a copied address
    const found = decoded(given);
    keep(found);
    return found;
  }
  try {
    return sessionStorage.getItem(NAME) ?? "";
  } catch {
    return ""; // storage is forbidden: it is pasted again after a reload
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // not encoded as an address is: then it is no token either, and is refused
  }
}

const [token, setSignal] = createSignal(kept());

export { token };

/** Use this token from now on; "" logs out. */
export function setToken(next: string): void {
  setSignal(next.trim());
  keep(next.trim());
}

/** Let it outlive a reload. */
function keep(found: string): void {
  try {
    if (found === "") sessionStorage.removeItem(NAME);
    else sessionStorage.setItem(NAME, found);
  } catch {
    // storage is forbidden: it holds until the page is left
  }
}

/** What the token says of its user. */
export function claims(): Claims | null {
  return claimsOf(token());
}

export function hasRole(...roles: readonly string[]): boolean {
  return claims()?.roles.some((role) => roles.includes(role)) ?? false;
}
