/** What the gateway says of this deployment in `/page.json`, and what this browser can do here. */

export interface PageSettings {
  readonly version: string;
  /** Where the record is asked, "" for the page's own origin; null: there is none. */
  readonly ledger: string | null;
  readonly oidc: { readonly issuer: string; readonly client_id: string; readonly scope: string } | null;
  /** IANA zone of the exchange. */
  readonly zone: string | null;
}

const NONE: PageSettings = { version: "", ledger: null, oidc: null, zone: null };
const SETTINGS_MS = 5_000;

/** Ask for the settings; without an answer the page works by pasted tokens, and without history. */
export async function pageSettings(): Promise<PageSettings> {
  try {
    const response = await fetch("/page.json", { signal: AbortSignal.timeout(SETTINGS_MS), cache: "no-store" });
    if (!response.ok) return NONE;
    return read((await response.json()) as Record<string, unknown>);
  } catch {
    return NONE; // away or no JSON: what there is works without
  }
}

function read({ version, ledger, oidc, zone }: Record<string, unknown>): PageSettings {
  const login = typeof oidc === "object" && oidc !== null ? (oidc as Record<string, unknown>) : null;
  const isLogin = login !== null && typeof login["issuer"] === "string" && typeof login["client_id"] === "string";
  return {
    version: typeof version === "string" ? version : "",
    ledger: typeof ledger === "string" ? ledger : null,
    oidc: isLogin
      ? { issuer: login["issuer"] as string, client_id: login["client_id"] as string, scope: typeof login["scope"] === "string" ? login["scope"] : "openid" }
      : null,
    zone: typeof zone === "string" && isZone(zone) ? zone : null,
  };
}

function isZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone !== "";
  } catch {
    return false; // a zone that this browser does not know is not shown
  }
}

/** What is missing here, as a sentence; empty if nothing is. Browsers give pages of plain http less, localhost apart. */
export function whatIsMissing(): string {
  if (typeof WebSocket === "undefined") return "This browser has no WebSocket: the page cannot follow the market. Use a current browser.";
  if (typeof Worker === "undefined") return "This browser has no workers: the page cannot follow the market. Use a current browser.";
  return "";
}

/** Whether this page came in a way on which browsers give cryptography, the clipboard and login by the company's account. */
export function isSecure(): boolean {
  return globalThis.isSecureContext;
}

/** The stream's address on the page's own origin. */
export function streamUrl(): string {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/v1/stream`;
}
