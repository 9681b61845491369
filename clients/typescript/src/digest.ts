/**
 * The digest of a book: the sum modulo 2³² of one hash for every level, 0 for an empty book.
 *
 * A sum does not depend on order, so changing a level costs one subtraction and one addition.
 * One level whose price alone or quantity alone is wrong is always seen, any other fault but for one case in 2³².
 * Source: docs/protocol.md, "Digest". It finds faults, not forgers.
 */

/** Half of a book. */
export type Side = "bid" | "ask";

/** Price in ticks and quantity in lots; snapshots add the number of orders. */
export type PricedQuantity = readonly [price: number, quantity: number, ...rest: number[]];

/** Scramble 32 bits. Takes any whole number, uses it modulo 2³², returns 0 to 2³²-1. */
export function mix(value: number): number {
  let x = value >>> 0;
  x ^= x >>> 16;
  x = Math.imul(x, 0x7feb352d);
  x ^= x >>> 15;
  x = Math.imul(x, 0x846ca68b);
  x ^= x >>> 16;
  return x >>> 0;
}

/** Hash one level, 0 to 2³²-1. Price and quantity count modulo 2³² (`^` takes them so); no level holds more. */
export function levelDigest(side: Side, price: number, quantity: number): number {
  const sideBit = side === "ask" ? 0x80000000 : 0;
  return mix(mix(price ^ sideBit) ^ quantity);
}

/** Digest a whole book or window at once. O(levels). */
export function bookDigest(bids: Iterable<PricedQuantity>, asks: Iterable<PricedQuantity>): number {
  let sum = 0;
  for (const [price, quantity] of bids) sum = (sum + levelDigest("bid", price, quantity)) >>> 0;
  for (const [price, quantity] of asks) sum = (sum + levelDigest("ask", price, quantity)) >>> 0;
  return sum;
}
