/** The record: history for the page. Where there is none, or it does not answer, the page goes on without, and says so. */

import { createSignal } from "solid-js";
import type { Accessor } from "solid-js";

import { token } from "./login.js";

const ANSWER_MS = 15_000;

/** The record refused, or did not answer; the message is for people. */
export class LedgerError extends Error {
  readonly status: number;

  constructor(status: number, text: string) {
    super(text);
    this.status = status;
  }
}

export interface Page {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly next: string | null;
}

export class Ledger {
  readonly #base: string | null;
  /** "" while it answers, else what to say. */
  readonly trouble: Accessor<string>;
  readonly #setTrouble;

  /** @param base Origin; "" is the page's own, null: there is no ledger. */
  constructor(base: string | null) {
    this.#base = base === null ? null : base.replace(/\/+$/, "");
    const [trouble, setTrouble] = createSignal(base === null ? "This exchange keeps no record here: there is no history." : "");
    this.trouble = trouble;
    this.#setTrouble = setTrouble;
  }

  get isThere(): boolean {
    return this.#base !== null;
  }

  /** Ask for a page of rows. @throws LedgerError */
  async page(path: string, parameters: Readonly<Record<string, string | number>> = {}): Promise<Page> {
    return (await (await this.#get(path, parameters)).json()) as Page;
  }

  /** Ask for a file as it is, such as a receipt. @throws LedgerError */
  async file(path: string, parameters: Readonly<Record<string, string | number>> = {}): Promise<string> {
    return (await this.#get(path, parameters)).text();
  }

  async #get(path: string, parameters: Readonly<Record<string, string | number>>): Promise<Response> {
    if (this.#base === null) throw new LedgerError(0, "This exchange keeps no record here.");
    const query = new URLSearchParams(Object.entries(parameters).map(([name, value]) => [name, String(value)])).toString();
    let response: Response;
    try {
      response = await fetch(`${this.#base}/v1/${path}${query === "" ? "" : `?${query}`}`, {
        headers: { Authorization: `Bearer ${token()}` }, signal: AbortSignal.timeout(ANSWER_MS), credentials: "omit",
      });
    } catch {
      throw this.#failed(0, "The record does not answer: the page goes on without history.");
    }
    if (response.ok) {
      this.#setTrouble("");
      return response;
    }
    const problem = (await response.json().catch(() => ({}))) as { readonly detail?: unknown; readonly title?: unknown };
    const text = typeof problem.detail === "string" ? problem.detail : typeof problem.title === "string" ? problem.title : `HTTP ${response.status}`;
    // A refusal of one question says nothing of the record; a server that cannot answer does.
    if (response.status >= 500) throw this.#failed(response.status, `The record cannot answer: ${text}. The page goes on without history.`);
    throw new LedgerError(response.status, text);
  }

  #failed(status: number, text: string): LedgerError {
    this.#setTrouble(text);
    return new LedgerError(status, text);
  }
}
