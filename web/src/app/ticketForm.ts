/** What stands in the order ticket: shared, because a click in the ladder fills it. One `client_order_id` a ticket. */

import type { Side } from "openoutcry";
import { createSignal } from "solid-js";
import type { Accessor } from "solid-js";

import type { Draft, Field } from "../model/ticketChecks.js";
import { newOrderName } from "./trading.js";

export const EMPTY: Draft = {
  side: "bid", kind: "limit", price: "", quantity: "", timeInForce: "gtc", expiresOn: "", postOnly: false, trigger: "", minimum: "", clearance: "",
};

export interface Refusal {
  readonly field: Field;
  readonly text: string;
}

/**
 * Since an order was first sent. The exchange promises to know its name for ten minutes after it has accepted it: sent
 * again later, one that was filled would be another order, and trade again.
 */
export const SAFE_MS = 540_000;

export class TicketForm {
  readonly draft: Accessor<Draft>;
  readonly refusal: Accessor<Refusal | null>;
  /** "idle", "sent" while the answer is awaited, "unknown" if none came: then sending again is safe. */
  readonly state: Accessor<"idle" | "sent" | "unknown">;
  readonly done: Accessor<string>;
  /** Whether a click in the ladder places an order at once, by the ticket's quantity. */
  readonly clickPlaces: Accessor<boolean>;
  readonly #set;
  #name = newOrderName();
  #sentAt: number | null = null;

  constructor() {
    const [draft, setDraft] = createSignal(EMPTY);
    const [refusal, setRefusal] = createSignal<Refusal | null>(null);
    const [state, setState] = createSignal<"idle" | "sent" | "unknown">("idle");
    const [done, setDone] = createSignal("");
    const [clickPlaces, setClickPlaces] = createSignal(false);
    this.draft = draft;
    this.refusal = refusal;
    this.state = state;
    this.done = done;
    this.clickPlaces = clickPlaces;
    this.#set = { setDraft, setRefusal, setState, setDone, setClickPlaces };
  }

  /** The order's own name: the same until it has been accepted or changed. */
  get orderName(): string {
    return this.#name;
  }

  /** Change what stands there: it is another order from now on, unless one is under way. */
  change(part: Partial<Draft>): void {
    if (this.state() === "sent") return;
    this.#renew();
    this.#set.setDraft((draft) => ({ ...draft, ...part }));
    this.#set.setRefusal(null);
    this.#set.setState("idle");
    this.#set.setDone("");
  }

  set isClickPlacing(on: boolean) {
    this.#set.setClickPlaces(on);
  }

  /** Take the ticket for sending, at this moment (ms that only grow); null if it is under way, or sending it again is not safe any more. */
  take(now: number): string | null {
    if (this.state() === "sent") return null;
    this.#sentAt ??= now;
    if (now - this.#sentAt > SAFE_MS) {
      this.#renew();
      this.refused({ field: "", text: "It is too late to send it again. Look at your orders and executions first, then order anew." });
      return null;
    }
    this.#set.setState("sent");
    this.#set.setRefusal(null);
    this.#set.setDone("");
    return this.#name;
  }

  accepted(text: string): void {
    this.#renew();
    this.#set.setState("idle");
    this.#set.setDone(text);
  }

  refused(refusal: Refusal): void {
    this.#set.setState("idle");
    this.#set.setRefusal(refusal);
  }

  unanswered(text: string): void {
    this.#set.setState("unknown");
    this.#set.setRefusal({ field: "", text });
  }

  #renew(): void {
    this.#name = newOrderName();
    this.#sentAt = null;
  }

  /** Another instrument: its prices are others. */
  forInstrument(side: Side = this.draft().side): void {
    this.change({ price: "", trigger: "", side });
  }
}
