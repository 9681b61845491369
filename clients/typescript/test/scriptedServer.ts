/** The misbehaving server of `openoutcry.testing`, in a process of its own; see tests/typescript/scripted_server.py. */

import { Child } from "./children.js";
import { PYTHON } from "./repository.js";

type Levels = readonly (readonly [price: number, quantity: number])[];

/** What goes wrong with the telling of one change; `openoutcry.testing.Fault` explains them. */
export type Fault = "NONE" | "LOST" | "TWICE" | "SWAPPED" | "WRONG_DIGEST" | "WRONG_LEVEL";

export interface Seen {
  readonly connections: number;
  readonly requests: Readonly<Record<string, number>>;
  readonly seq: number;
  readonly digest: number;
}

export class ScriptedServer {
  readonly url: string;
  readonly #child: Child;

  private constructor(child: Child, url: string) {
    this.#child = child;
    this.url = url;
  }

  static async start(): Promise<ScriptedServer> {
    const child = new Child(PYTHON, ["-m", "tests.typescript.scripted_server"]);
    const { url } = (await child.hear()) as { readonly url: string };
    return new ScriptedServer(child, url);
  }

  /** Have it do something, by the name of a method of its `Script`. */
  async tell(act: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    this.#child.say({ do: act, ...args });
    return await this.#child.hear();
  }

  /** Change the book by one command. */
  async change(bids: Levels, asks: Levels = [], fault: Fault = "NONE"): Promise<void> {
    await this.tell("change", { bids, asks, fault });
  }

  async seen(): Promise<Seen> {
    return (await this.tell("seen")) as Seen;
  }

  async stop(): Promise<void> {
    await this.#child.end();
  }
}
