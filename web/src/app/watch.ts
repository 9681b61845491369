/** Telling a person what they should not miss: fills, orders that ended unasked, a token that is about to end. */

import { createEffect, createSignal, onCleanup } from "solid-js";
import type { Accessor } from "solid-js";

import { NOTHING_YET } from "../model/executionOrder.js";
import { isUnasked, reasonWords, rowsSince } from "../model/executionRows.js";
import type { ExecutionRow } from "../model/executionRows.js";
import { lotsText, priceText } from "../model/money.js";
import type { Desk } from "./desk.js";
import { claims } from "./login.js";
import { say, SIDE_WORD } from "./trading.js";

/** So many at once are told one by one; more as a number. */
const TOLD_MAX = 3;
/** A token that ends so soon is warned of. */
const TOKEN_WARN_S = 120;

/** Tell of each new execution that a person should hear of. */
export function tellExecutions(desk: Desk): void {
  let told = NOTHING_YET;
  createEffect(() => {
    desk.executionsVersion();
    const rows = rowsSince(desk.executions, told);
    told = rows.at(-1) ?? told;
    const fills = rows.filter(({ event }) => event === "filled");
    const ends = rows.filter(isUnasked);
    if (fills.length > TOLD_MAX) say(`${lotsText(fills.length)} fills.`);
    else for (const fill of fills) say(`${words(desk, fill)}${fill.liquidity === "auction" ? " in the auction" : ""}.`);
    if (ends.length > TOLD_MAX) desk.notice({ tone: "warn", text: `${lotsText(ends.length)} orders of yours have ended: ${reasonWords(ends[0]?.reason ?? "")}.` });
    else for (const end of ends) desk.notice({ tone: "warn", text: `Your order has ended (${reasonWords(end.reason) || end.event}): ${words(desk, end)}.` });
  });
}

function words(desk: Desk, { event, side, lots, instrument, price }: ExecutionRow): string {
  const found = desk.entry(instrument).instrument();
  const verb = event === "filled" ? (side === "bid" ? "Bought" : "Sold") : SIDE_WORD[side === "ask" ? "ask" : "bid"];
  return `${verb} ${lotsText(lots)} ${instrument}${found === undefined || price === 0 ? "" : ` at ${priceText(found, price)}`}`;
}

/** What is to be said of the token's end; empty while there is time. By the exchange's clock. */
export function tokenWarning(desk: Desk): Accessor<string> {
  const [text, setText] = createSignal("");
  const look = () => {
    const end = claims()?.expiresAt ?? 0;
    const left = end - desk.serverNow() / 1_000;
    if (end === 0 || !Number.isFinite(left) || left > TOKEN_WARN_S) return setText("");
    return setText(left > 0 ? `Your login ends in ${Math.ceil(left)} s: log in again to go on.` : "Your login has ended.");
  };
  const timer = setInterval(look, 1_000);
  onCleanup(() => clearInterval(timer));
  return text;
}
