/** What administrators and compliance officers do: proposals, confirmations, and what is set; by any gateway, under the token's name. */

import type { Action } from "openoutcry";
import { createSignal, onCleanup } from "solid-js";
import type { Accessor } from "solid-js";

import { readSettings } from "../model/marketSettings.js";
import type { MarketSettings } from "../model/marketSettings.js";
import type { Desk } from "./desk.js";
import { newOrderName, say } from "./trading.js";

/** Looked at again so often while it is shown. */
const LOOK_MS = 5_000;
/** Begun anew so often if something was set while it was read. */
const TRIES = 3;

export class Office {
  readonly settings: Accessor<MarketSettings | null>;
  readonly trouble: Accessor<string>;
  readonly #desk: Desk;
  readonly #setSettings;
  readonly #setTrouble;

  constructor(desk: Desk) {
    this.#desk = desk;
    const [settings, setSettings] = createSignal<MarketSettings | null>(null);
    const [trouble, setTrouble] = createSignal("");
    this.settings = settings;
    this.trouble = trouble;
    this.#setSettings = setSettings;
    this.#setTrouble = setTrouble;
    void this.look();
    const timer = setInterval(() => !document.hidden && void this.look(), LOOK_MS);
    onCleanup(() => clearInterval(timer));
  }

  /** Read what is set and what waits. */
  async look(): Promise<void> {
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
      const rows: unknown[] = [];
      let revision = -1;
      for (let total = 1; rows.length < total; ) {
        const answer = await this.#desk.ask({ op: "market", start: rows.length });
        if (!answer.ok) return void this.#setTrouble(answer.text);
        const part = Array.isArray(answer.data["rows"]) ? (answer.data["rows"] as unknown[]) : [];
        const isSame = revision === -1 || revision === answer.data["revision"];
        revision = Number(answer.data["revision"]);
        total = Number(answer.data["total"]);
        if (!isSame) break;
        rows.push(...part);
        if (part.length === 0) total = rows.length;
        if (rows.length >= total) {
          this.#setTrouble("");
          if (revision !== this.settings()?.revision || JSON.stringify(rows) !== this.#seen) this.#setSettings(readSettings(revision, rows));
          this.#seen = JSON.stringify(rows);
          return;
        }
      }
    }
  }

  #seen = "";

  /** Propose one action; returns the exchange's sentence if it was refused, else "". */
  async propose(action: Action, name = `page-${newOrderName().slice(0, 12)}`): Promise<string> {
    return this.#done(await this.#desk.ask({ op: "admin", proposal_id: name, actions: [action] }), name);
  }

  async confirm(proposalId: string): Promise<string> {
    return this.#done(await this.#desk.ask({ op: "confirm", proposal_id: proposalId }), proposalId);
  }

  async withdraw(proposalId: string): Promise<string> {
    return this.#done(await this.#desk.ask({ op: "withdraw", proposal_id: proposalId }), proposalId);
  }

  async #done({ ok, text, data }: { readonly ok: boolean; readonly text: string; readonly data: Readonly<Record<string, unknown>> }, name: string): Promise<string> {
    if (ok) {
      const state = data["state"];
      const words = state === "proposed" ? `Proposal ${name} waits for a second person.` : state === "withdrawn" ? `Proposal ${name} is withdrawn.` : "Done.";
      this.#desk.notice({ tone: "good", text: words });
      say(words);
    } else this.#desk.notice({ tone: "bad", text });
    await this.look();
    return ok ? "" : text;
  }
}
