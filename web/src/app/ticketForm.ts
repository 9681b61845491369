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
    this.#name = newOrderName();
    this.#set.setDraft((draft) => ({ ...draft, ...part }));
    this.#set.setRefusal(null);
    this.#set.setState("idle");
    this.#set.setDone("");
  }

  set isClickPlacing(on: boolean) {
    this.#set.setClickPlaces(on);
  }

  /** Take the ticket for sending; null if it has been sent, and no answer has come. */
  take(): string | null {
    if (this.state() === "sent") return null;
    this.#set.setState("sent");
    this.#set.setRefusal(null);
    this.#set.setDone("");
    return this.#name;
  }

  accepted(text: string): void {
    this.#name = newOrderName();
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

  /** Another instrument: its prices are others. */
  forInstrument(side: Side = this.draft().side): void {
    this.change({ price: "", trigger: "", side });
  }
}
