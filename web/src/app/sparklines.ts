/** The last hour of each instrument by minutes: from the record where there is one, then on by what is heard. */

import { createEffect, onCleanup, untrack } from "solid-js";

import type { Desk } from "./desk.js";
import type { Ledger } from "./ledger.js";

const MINUTES = 60;
/** Instruments whose hour is asked for; of more the line grows from now on. */
const ASKED_MAX = 60;

/** Keep the lines, as long as the desk is there. */
export function keepSparklines(desk: Desk, ledger: Ledger): void {
  const asked = new Set<string>();
  let isOver = false;
  onCleanup(() => (isOver = true));

  const ask = async (symbols: readonly string[]) => {
    for (const symbol of symbols) {
      if (isOver || !ledger.isThere || ledger.trouble() !== "" || asked.size >= ASKED_MAX) return;
      if (asked.has(symbol)) continue;
      asked.add(symbol);
      const now = Number.isFinite(desk.serverNow()) ? desk.serverNow() : Date.now();
      try {
        const { rows } = await ledger.page("candles", { instrument: symbol, width: "1m", from: new Date(now - MINUTES * 60_000).toISOString() });
        const closes = rows.flatMap(({ close }) => (typeof close === "number" ? [close] : []));
        if (closes.length > 1) desk.entry(symbol).set.minutes(closes.slice(-MINUTES));
      } catch {
        return; // the record's trouble is told where its rows are shown; lines grow from now on
      }
    }
  };
  createEffect(() => {
    const symbols = desk.symbols();
    if (symbols.length > 0 && desk.connection().link.phase === "live") untrack(() => void ask(symbols));
  });

  const timer = setInterval(() => {
    for (const { minutes, ticker, set } of desk.entries.values()) {
      const last = ticker()?.last ?? 0;
      if (minutes().length > 0 && last > 0) set.minutes([...minutes(), last].slice(-MINUTES));
    }
  }, 60_000);
  onCleanup(() => clearInterval(timer));
}
