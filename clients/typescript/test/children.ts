/** Processes that tests start: they speak in lines of JSON, and every wait for them has an end. */

import { spawn } from "node:child_process";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

import { ROOT } from "./repository.js";

/** Time for a process to say or do something. */
const PATIENCE_MS = 30_000;

/** Wait for something, but not forever. */
export async function within<T>(promise: Promise<T>, what: string, ms = PATIENCE_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Poll until it is true, but not forever. */
export async function until(isTrue: () => boolean | Promise<boolean>, what: string, ms = 10_000): Promise<void> {
  const deadline = performance.now() + ms;
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export class Child {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly #exited: Promise<unknown>;
  #errors = "";

  constructor(command: string, args: readonly string[]) {
    this.#process = spawn(command, args, { cwd: ROOT });
    this.#lines = createInterface(this.#process.stdout)[Symbol.asyncIterator]();
    this.#exited = once(this.#process, "exit");
    this.#process.stdin.on("error", () => undefined); // it may have ended; whoever waits for it is told
    this.#process.stderr.on("data", (data: Buffer) => (this.#errors = (this.#errors + data.toString()).slice(-4_000)));
  }

  /** End it as a crash would: at once, with SIGKILL. */
  kill(): void {
    this.#process.kill("SIGKILL");
  }

  /** Read one line of JSON. */
  async hear(): Promise<unknown> {
    const line = await within(this.#lines.next(), `a line from ${this.#process.spawnargs.join(" ")}\n${this.#errors}`);
    if (line.done) throw new Error(`it has ended:\n${this.#errors}`);
    return JSON.parse(line.value);
  }

  /** Write one line of JSON. */
  say(command: unknown): void {
    this.#process.stdin.write(`${JSON.stringify(command)}\n`);
  }

  /** End it: close its input and ask with SIGTERM; with SIGKILL if it does not listen. Returns how it ended. */
  async end(): Promise<number | NodeJS.Signals | null> {
    this.#process.stdin.end();
    if (!this.#hasExited) this.#process.kill("SIGTERM");
    await within(this.#exited, "the end of a child").catch(() => this.#process.kill("SIGKILL"));
    return this.#process.exitCode ?? this.#process.signalCode;
  }

  get #hasExited(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }
}
