/**
 * Telling readers that something changed, without a queue: a reader that is slow skips to the newest state.
 */

import { NotConnected } from "./errors.js";

/** Counts changes, and wakes who waits for the next one. */
export class Signal {
  #version = 0;
  #end: { readonly error: Error | null } | null = null;
  #wakers: (() => void)[] = [];

  /** It changed. */
  fire(): void {
    this.#version += 1;
    this.#wake();
  }

  /** It will not change any more; readers finish, or throw. The first call counts. */
  end(error: Error | null): void {
    this.#end ??= { error };
    this.#wake();
  }

  /**
   * Yield `value()` at once if it ever changed, then after each change, once for all changes since the reader last
   * looked. Any number of readers.
   */
  async *follow<T>(value: () => T): AsyncGenerator<T, void, undefined> {
    for (let seen = 0; ; ) {
      if (this.#version > seen) {
        seen = this.#version;
        yield value();
      } else if (await this.#hasEnded()) return;
    }
  }

  /** Wait until `isTrue()` or the end. */
  async until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) if (await this.#hasEnded()) throw this.#end?.error ?? new NotConnected("closed");
  }

  /** Wait for a change; true at once if there will be none. */
  async #hasEnded(): Promise<boolean> {
    if (this.#end === null) {
      await new Promise<void>((resolve) => this.#wakers.push(resolve));
      return false;
    }
    if (this.#end.error !== null) throw this.#end.error;
    return true;
  }

  #wake(): void {
    const wakers = this.#wakers;
    this.#wakers = [];
    for (const wake of wakers) wake();
  }
}
