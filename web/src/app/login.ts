/** Who looks at the page: a token, pasted or by the company's login. It is kept for this tab alone. */

import { createSignal } from "solid-js";

import { claimsOf } from "../model/tokenClaims.js";
import type { Claims } from "../model/tokenClaims.js";

const NAME = "outcry.token";

function kept(): string {
  const given = /^#token=([^&]+)$/.exec(location.hash)?.[1];
  if (given !== undefined) {
    history.replaceState(null, "", location.pathname + location.search); // not in the history, and not in a copied address
    return decodeURIComponent(given);
  }
  try {
    return sessionStorage.getItem(NAME) ?? "";
  } catch {
    return ""; // storage is forbidden: it is pasted again after a reload
  }
}

const [token, setSignal] = createSignal(kept());

export { token };

/** Use this token from now on; "" logs out. */
export function setToken(next: string): void {
  setSignal(next.trim());
  try {
    if (next === "") sessionStorage.removeItem(NAME);
    else sessionStorage.setItem(NAME, next.trim());
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
