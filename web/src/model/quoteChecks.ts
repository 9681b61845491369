/** What a quote would be, read from what was typed: both sides of one instrument, or one, or none (it is withdrawn). */

import { InvalidArgument, isOnTick, roundDown, roundUp, ticksOf } from "openoutcry";
import type { Instrument, QuotedPair, Terms } from "openoutcry";

import { amountText, lotsText } from "./money.js";

export interface QuoteDraft {
  readonly bid: string;
  readonly bidLots: string;
  readonly ask: string;
  readonly askLots: string;
}

export const NO_QUOTE: QuoteDraft = { bid: "", bidLots: "", ask: "", askLots: "" };

export type CheckedQuote = { readonly pair: QuotedPair } | { readonly wrong: string };

/** Read a quote; a side of which neither price nor lots were typed has none. */
export function checkQuote(draft: QuoteDraft, instrument: Instrument, terms: Terms | undefined): CheckedQuote {
  try {
    const bid = sideOf("bid", draft.bid, draft.bidLots, instrument, terms);
    const ask = sideOf("ask", draft.ask, draft.askLots, instrument, terms);
    if (bid === null && ask === null) return { wrong: "Name price and lots of one side at least; Withdraw ends a quote." };
    if (bid !== null && ask !== null && bid.price >= ask.price) return { wrong: "The bid is below the ask." };
    return { pair: { instrument: instrument.symbol, bid: bid?.price, bid_quantity: bid?.lots, ask: ask?.price, ask_quantity: ask?.lots } };
  } catch (error) {
    if (error instanceof InvalidArgument) return { wrong: error.message };
    throw error;
  }
}

function sideOf(name: "bid" | "ask", price: string, lots: string, instrument: Instrument, terms: Terms | undefined): { readonly price: number; readonly lots: number } | null {
  const [amount, count] = [price, lots].map((text) => text.trim().replace(/[,\u2009\u00a0 ]/g, "")) as [string, string];
  if (amount === "" && count === "") return null;
  if (!/^[1-9]\d{0,9}$/.test(count)) throw new InvalidArgument(`The ${name}'s lots are a whole number, from 1.`);
  if (Number(count) > instrument.quantity_max) throw new InvalidArgument(`The ${name} has at most ${lotsText(instrument.quantity_max)} lots.`);
  if (amount === "") throw new InvalidArgument(`The ${name} needs a price.`);
  const ticks = readTicks(name, amount, instrument);
  if (ticks < 1 || ticks > instrument.price_max) throw new InvalidArgument(`The ${name} is above 0 and at most ${amountText(instrument, instrument.price_max)}.`);
  if (!isOnTick(terms, ticks)) {
    const near = [roundDown(terms, ticks), roundUp(terms, ticks)].filter((each) => each > 0).map((each) => amountText(instrument, each));
    throw new InvalidArgument(`The ${name} is not one of its prices; the nearest are ${near.join(" and ")}.`);
  }
  return { price: ticks, lots: Number(count) };
}

function readTicks(name: string, amount: string, instrument: Instrument): number {
  try {
    return ticksOf(instrument, amount);
  } catch (error) {
    throw error instanceof InvalidArgument ? new InvalidArgument(`The ${name}: ${error.message.replace(/^amount: /, "")}`) : error;
  }
}
