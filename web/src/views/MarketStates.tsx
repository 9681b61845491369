/** Every instrument's state: what trades, what is halted and why, what its auction would come to, when it ends. */

import { createMemo, For, Show } from "solid-js";
import type { JSX } from "solid-js";

import { useShared } from "../app/context.js";
import type { Entry } from "../app/desk.js";
import { lotsText, NONE, priceText } from "../model/money.js";
import { notesOf } from "../model/ruleNotes.js";
import { stateSentence } from "../model/stateWords.js";
import { aheadText, leftText } from "../model/times.js";

export function MarketStates(): JSX.Element {
  const { desk, rules, select, settings } = useShared();
  const price = (entry: Entry, ticks: number) => ((found) => (found === undefined ? NONE : priceText(found, ticks)))(entry.instrument());
  const until = (entry: Entry) => entry.auction()?.until || (entry.status()?.state === "halted" ? 0 : entry.status()?.until) || 0; // a halt may outlast its phase
  const left = (us: number) => (us === 0 || !Number.isFinite(desk.clock()) ? NONE : leftText(us / 1_000 - desk.clock()));
  const surplus = (lots: number) => (lots === 0 ? "none" : `${lotsText(Math.abs(lots))} ${lots > 0 ? "bid" : "asked"}`);
  const forYou = (entry: Entry) => notesOf(rules.notes(), entry.symbol).map(({ text }) => text).join("; ") || NONE;
  const rows = createMemo(() => desk.symbols().map((symbol) => desk.entry(symbol)));
  return (
    <div class="table-scroll scroll" tabindex={0} role="region" aria-label="States and auctions">
      <table class="grid">
        <thead>
          <tr><th scope="col">Instrument</th><th scope="col">State</th><th scope="col">For you</th><th scope="col" class="n">Indicative</th><th scope="col" class="n">Would trade</th><th scope="col" class="n">Left over</th><th scope="col" class="n">Ends, yours</th><Show when={settings.zone !== null}><th scope="col" class="n">Ends, exchange</th></Show><th scope="col" class="n">Left</th><th scope="col" class="n">Reference</th><th scope="col" class="n">Collar</th></tr>
        </thead>
        <tbody>
          <For each={rows()}>
            {(entry) => (
              <tr>
                <td><button type="button" class="link" onClick={() => select(entry.symbol)}>{entry.symbol}</button></td>
                <td><span class="badge" data-state={entry.status()?.state ?? "open"}>{stateSentence(entry.status())}</span></td>
                <td>{forYou(entry)}</td>
                <td class="n">{price(entry, entry.auction()?.price ?? 0)}</td>
                <td class="n">{entry.auction() === undefined ? NONE : lotsText(entry.auction()?.volume ?? 0)}</td>
                <td class="n">{entry.auction() === undefined ? NONE : surplus(entry.auction()?.surplus ?? 0)}</td>
                <td class="n">{until(entry) === 0 ? NONE : aheadText(until(entry), desk.clock())}</td>
                <Show when={settings.zone !== null}><td class="n">{until(entry) === 0 ? NONE : aheadText(until(entry), desk.clock(), settings.zone ?? "UTC")}</td></Show>
                <td class="n">{left(until(entry))}</td>
                <td class="n">{price(entry, entry.ticker()?.last || entry.terms()?.reference || 0)}</td>
                <td class="n">{entry.terms()?.collar_bp ? `\u00b1 ${(entry.terms()?.collar_bp ?? 0) / 100} %` : NONE}</td>
              </tr>
            )}
          </For>
        </tbody>
      </table>
    </div>
  );
}
