/** What a token says of its user, for the screen: the gateway alone decides what it is worth. */

export interface Claims {
  readonly user: string;
  readonly roles: readonly string[];
  /** Unix seconds; 0 if it does not say. */
  readonly expiresAt: number;
}

/** Read a token's claims; null if it is no JSON Web Token. Nothing is verified. */
export function claimsOf(token: string): Claims | null {
  try {
    const body = (token.split(".")[1] ?? "").replace(/-/g, "+").replace(/_/g, "/");
    const bytes = Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
    const { sub, roles, exp } = claims;
    return {
      user: typeof sub === "string" ? sub : "",
      roles: Array.isArray(roles) ? roles.filter((role): role is string => typeof role === "string") : [],
      expiresAt: typeof exp === "number" ? exp : 0,
    };
  } catch {
    return null;
  }
}
