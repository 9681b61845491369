/** The newest of a stream, bounded: what a page that is open all day keeps of trades, executions and delays. */

export class Ring<T> {
  readonly limit: number;
  #items: T[] = [];
  /** Where the oldest is, once it is full. */
  #first = 0;

  /** @param limit Items kept; the oldest go first. */
  constructor(limit: number) {
    this.limit = limit;
  }

  get size(): number {
    return this.#items.length;
  }

  /** O(1). */
  push(item: T): void {
    if (this.#items.length < this.limit) this.#items.push(item);
    else {
      this.#items[this.#first] = item;
      this.#first = (this.#first + 1) % this.limit;
    }
  }

  /** The item at a place, from 0, the oldest; undefined beyond the last. */
  at(place: number): T | undefined {
    return place < 0 || place >= this.#items.length ? undefined : this.#items[(this.#first + place) % this.#items.length];
  }

  /** The newest. */
  get last(): T | undefined {
    return this.at(this.size - 1);
  }

  /** Up to `count` items from a place counted from the newest, the newest first. */
  newest(count: number, from = 0): T[] {
    const found: T[] = [];
    for (let place = this.size - 1 - from; place >= 0 && found.length < count; place -= 1) found.push(this.at(place) as T);
    return found;
  }

  clear(): void {
    this.#items = [];
    this.#first = 0;
  }
}
