/** A request that has a name of its own, so that it happens once however often it is sent: a quote, an exercise. */

import { createSignal } from "solid-js";
import type { Accessor } from "solid-js";

import type { Answer } from "../worker/protocol.js";
import { SAFE_MS } from "./ticketForm.js";
import { isUnknown, newOrderName, say } from "./trading.js";

export class NamedRequest {
  /** "sent" while the answer is awaited, "unknown" if none came: then sending again is safe. */
  readonly state: Accessor<"idle" | "sent" | "unknown">;
  /** Why it was refused, or what is not known; "" if neither. */
  readonly trouble: Accessor<string>;
  /** What it has done; "" before. */
  readonly done: Accessor<string>;
  readonly #set;
  #name = newOrderName();
  #sentAt: number | null = null;

  constructor() {
    const [state, setState] = createSignal<"idle" | "sent" | "unknown">("idle");
    const [trouble, setTrouble] = createSignal("");
    const [done, setDone] = createSignal("");
    this.state = state;
    this.trouble = trouble;
    this.done = done;
    this.#set = { setState, setTrouble, setDone };
  }

  /** What was typed has changed: it is another request from now on. */
  change(): void {
    if (this.state() === "sent") return;
    this.#renew();
    this.#say("idle", "", "");
  }

  /** What stands there cannot be sent. */
  wrong(text: string): void {
    this.#say(this.state(), text, "");
  }

  /**
   * Send it once; nothing happens while its answer is awaited.
   *
   * @param now Ms that only grow.
   * @param words What it is, such as "Exercise 2 ACME-C100".
   * @returns Whether it has happened.
   */
  async send(now: number, words: string, ask: (name: string) => Promise<Answer>): Promise<boolean> {
    if (this.state() === "sent") return false;
    this.#sentAt ??= now;
    if (now - this.#sentAt > SAFE_MS) {
      this.#renew();
      this.#say("idle", "It is too late to send it again. Look at what you have first, then ask anew.", "");
      return false;
    }
    this.#say("sent", "", "");
    const answer = await ask(this.#name);
    const isRepeated = answer.code === "duplicate_order";
    if (answer.ok || isRepeated) {
      this.#renew();
      const told = `${words}: ${isRepeated ? "it had been done already, and counts once" : "done"}.`;
      this.#say("idle", "", told);
      say(told);
      return true;
    }
    if (isUnknown(answer)) this.#say("unknown", `${words}: no answer came. It may have happened or not; sending it again is safe, it happens once.`, "");
    else this.#say("idle", answer.text === "" ? answer.code : answer.text, "");
    return false;
  }

  #say(state: "idle" | "sent" | "unknown", trouble: string, done: string): void {
    this.#set.setState(state);
    this.#set.setTrouble(trouble);
    this.#set.setDone(done);
  }

  #renew(): void {
    this.#name = newOrderName();
    this.#sentAt = null;
  }
}
