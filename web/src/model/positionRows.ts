/** What the user holds, what it cost on average, and what it would bring at the last price. */

import type { Holding, Instrument } from "openoutcry";

import { millionths, valueOf } from "./money.js";

export interface PositionRow {
  readonly symbol: string;
  readonly lots: number;
  /** Lots that may be sold now: neither offered nor held back. */
  readonly free: number;
  readonly offered: number;
  readonly held: Holding["restricted"];
  /** Of one unit, in millionths, rounded down; null without accounts, or for lots that are short. */
  readonly average: bigint | null;
  readonly cost: bigint | null;
  /** Of all lots at the last price, in millionths; null if there is no price. */
  readonly value: bigint | null;
  /** What they would bring less what they cost; null if either is not known. */
  readonly unrealised: bigint | null;
  readonly currency: string;
}

export interface Held {
  readonly positions: Readonly<Record<string, number>>;
  readonly holdings: Readonly<Record<string, Holding>>;
  readonly keepsAccounts: boolean;
}

/**
 * @param nowUs The exchange's time, µs: what is held until then is held no more; NaN if it is not known.
 * @param lastOf The last price, ticks; 0: none.
 */
export function positionRows(held: Held, nowUs: number, instrumentOf: (symbol: string) => Instrument | undefined, lastOf: (symbol: string) => number): PositionRow[] {
  const symbols = [...new Set([...Object.keys(held.positions), ...Object.keys(held.holdings)])].sort();
  return symbols.flatMap((symbol) => {
    const holding = held.holdings[symbol];
    const lots = holding?.lots ?? held.positions[symbol] ?? 0;
    const offered = holding?.reserved ?? 0;
    if (lots === 0 && offered === 0) return [];
    const parts = (holding?.restricted ?? []).filter(({ until }) => !(until <= nowUs));
    const back = parts.reduce((sum, part) => sum + part.lots, 0);
    const instrument = instrumentOf(symbol);
    const cost = held.keepsAccounts && holding !== undefined ? millionths(holding.cost) : null;
    const last = lastOf(symbol);
    const value = instrument === undefined || last === 0 ? null : valueOf(instrument, last, lots);
    const units = instrument === undefined ? 0n : BigInt(lots) * BigInt(instrument.lot_size);
    return [{
      symbol, lots, free: Math.max(0, lots - offered - back), offered, held: parts, average: cost === null || units <= 0n ? null : cost / units, cost, value,
      unrealised: cost === null || value === null ? null : value - cost, currency: instrument?.currency ?? "",
    }];
  });
}

export interface MoneyRow {
  readonly currency: string;
  readonly held: bigint;
  readonly reserved: bigint;
  readonly free: bigint;
  /** Realised by sales; null without accounts. */
  readonly result: bigint | null;
  /** Of all positions in it; null if one of them is not known. */
  readonly unrealised: bigint | null;
}

/** Money by currency. */
export function moneyRows(
  account: { readonly cash: Readonly<Record<string, string>>; readonly reserved: Readonly<Record<string, string>>; readonly result: Readonly<Record<string, string>>; readonly keepsAccounts: boolean },
  positions: readonly PositionRow[],
): MoneyRow[] {
  const currencies = [...new Set([...Object.keys(account.cash), ...Object.keys(account.reserved), ...Object.keys(account.result)])].sort();
  return currencies.map((currency) => {
    const held = millionths(account.cash[currency] ?? "0") ?? 0n;
    const reserved = millionths(account.reserved[currency] ?? "0") ?? 0n;
    const open = positions.filter((row) => row.currency === currency && row.lots !== 0);
    const unrealised = open.some((row) => row.unrealised === null) ? null : open.reduce((sum, row) => sum + (row.unrealised ?? 0n), 0n);
    const result = account.keepsAccounts ? (millionths(account.result[currency] ?? "0") ?? 0n) : null;
    return { currency, held, reserved, free: held - reserved, result, unrealised };
  });
}
