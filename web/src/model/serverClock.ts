/**
 * The exchange's clock as this page knows it: by asking, never by the computer's own, which may be wrong by an hour.
 *
 * Local times are monotonic milliseconds. An answer with the server's time in it was written between asking and hearing;
 * half the way is the best guess, and the shortest way the best answer. So the error is at most half that way.
 */

/** Answers remembered: at one in ten seconds those of some minutes, so that a drift is followed. */
const ANSWERS_MAX = 24;
/** From here on the computer's own clock is called wrong. */
export const CLOCK_ERROR_MS = 2_000;

interface Answer {
  readonly offset: number;
  readonly way: number;
}

export class ServerClock {
  #answers: Answer[] = [];

  /** An answer was heard. @param serverMs Unix time in ms, as it said. */
  heard(askedAt: number, heardAt: number, serverMs: number): void {
    this.#answers.push({ offset: serverMs - (askedAt + heardAt) / 2, way: heardAt - askedAt });
    if (this.#answers.length > ANSWERS_MAX) this.#answers.shift();
  }

  /** Something that was not asked for told the time: all that is known until the first answer. */
  told(heardAt: number, serverMs: number): void {
    if (this.#answers.length === 0) this.#answers.push({ offset: serverMs - heardAt, way: Infinity });
  }

  /** Begin anew: another server, or a computer that slept. */
  forget(): void {
    this.#answers = [];
  }

  get isKnown(): boolean {
    return this.#answers.length > 0;
  }

  /** The error at most, ms; Infinity while no answer has come. */
  get errorMs(): number {
    return this.#best === undefined ? Infinity : this.#best.way / 2;
  }

  /** What to add to local monotonic ms for the server's Unix ms; NaN if nothing is known. */
  get offset(): number {
    return this.#best?.offset ?? NaN;
  }

  /** The server's time at a local one, Unix ms. */
  at(localMs: number): number {
    return localMs + this.offset;
  }

  get #best(): Answer | undefined {
    return this.#answers.reduce<Answer | undefined>((best, answer) => (best === undefined || answer.way <= best.way ? answer : best), undefined);
  }
}
