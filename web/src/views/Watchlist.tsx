/** All instruments with their live prices. */

import { createMemo, createSignal, For, Show } from "solid-js";
import type { JSX } from "solid-js";

import { useShared } from "../app/context.js";
import type { Entry } from "../app/desk.js";
import { changeText, NONE, priceText } from "../model/money.js";
import { isClosedTo } from "../model/ruleNotes.js";
import { stateWord } from "../model/stateWords.js";

export function Watchlist(): JSX.Element {
  const { desk, selected, select } = useShared();
  const [sought, setSought] = createSignal("");
  const found = createMemo(() => {
    const words = sought().trim().toLowerCase();
    const isFound = ({ symbol, instrument }: Entry) => `${symbol} ${instrument()?.name ?? ""}`.toLowerCase().includes(words);
    return desk.symbols().filter((symbol) => words === "" || isFound(desk.entry(symbol)));
  });
  const onKey = (event: KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    const rows = found();
    if (step === 0 || rows.length === 0) return;
    event.preventDefault();
    const next = rows[Math.min(rows.length - 1, Math.max(0, rows.indexOf(selected()) + step))] as string;
    select(next);
    (event.currentTarget as HTMLElement).querySelector<HTMLElement>(`[data-symbol="${CSS.escape(next)}"]`)?.focus();
  };
  return (
    <section class="panel watchlist" aria-labelledby="watchlist-title">
      <h1 class="hidden phone-heading">The market</h1>
      <header class="panel-head">
        <h2 id="watchlist-title">Instruments</h2>
        <input type="search" class="search" aria-label="Find an instrument" placeholder="Find" value={sought()} onInput={({ currentTarget }) => setSought(currentTarget.value)} />
      </header>
      <div class="watch-rows scroll" role="listbox" tabindex={-1} aria-label="Instruments" onKeyDown={onKey}>
        <For each={found()} fallback={<p class="empty">{desk.symbols().length === 0 ? "The list has not come yet." : "None is called so."}</p>}>
          {(symbol) => <WatchRow entry={desk.entry(symbol)} isSelected={selected() === symbol} onSelect={() => select(symbol)} />}
        </For>
      </div>
    </section>
  );
}

function WatchRow(props: { readonly entry: Entry; readonly isSelected: boolean; readonly onSelect: () => void }): JSX.Element {
  const { entry } = props;
  const { rules } = useShared();
  const ticker = entry.ticker;
  const price = (ticks: number | undefined) => {
    const instrument = entry.instrument();
    return instrument === undefined || ticks === undefined ? NONE : priceText(instrument, ticks);
  };
  const change = () => (ticker() === undefined ? NONE : changeText(ticker()?.open ?? 0, ticker()?.last ?? 0));
  const direction = () => Math.sign((ticker()?.last ?? 0) - (ticker()?.open ?? 0));
  const state = () => (isClosedTo(rules.notes(), entry.symbol) ? "Closed to you" : stateWord(entry.status()));
  /** The last hour if the record told it, else what was heard; either goes up to now. */
  const points = () => {
    const known = entry.minutes().length > 0 ? entry.minutes() : entry.spark();
    const last = ticker()?.last ?? 0;
    return last > 0 ? [...known, last] : known;
  };
  return (
    <div
      class="watch-row" role="option" data-symbol={entry.symbol} tabindex={props.isSelected ? 0 : -1} aria-selected={props.isSelected}
      onClick={props.onSelect} onKeyDown={({ key }) => key === "Enter" && props.onSelect()}
    >
      <span class="watch-symbol">{entry.symbol}</span>
      <span class="watch-last">{price(ticker()?.last)}</span>
      <span class="watch-name">
        <Show when={state() !== ""} fallback={entry.instrument()?.name || entry.instrument()?.kind}>
          <span class="state">{state()}</span>
        </Show>
      </span>
      <Sparkline points={points()} />
      <span class="watch-change" data-direction={direction()}>{change()}</span>
    </div>
  );
}

const SPARK = { width: 56, height: 16 };

/** The last minutes as a line; the figures beside it say the same in words. */
export function Sparkline(props: { readonly points: readonly number[] }): JSX.Element {
  const line = createMemo(() => {
    const { points } = props;
    if (points.length < 2) return "";
    const [low, high] = [Math.min(...points), Math.max(...points)];
    const y = (value: number) => (high === low ? SPARK.height / 2 : 1 + ((high - value) / (high - low)) * (SPARK.height - 2));
    return points.map((value, at) => `${((at / (points.length - 1)) * SPARK.width).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
  });
  return (
    <svg class="spark" viewBox={`0 0 ${SPARK.width} ${SPARK.height}`} width={SPARK.width} height={SPARK.height} aria-hidden="true">
      <polyline points={line()} />
    </svg>
  );
}
