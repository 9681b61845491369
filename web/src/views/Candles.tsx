/** Candles: from the record, then live. The chart's library comes when it is looked at. */

import type { IChartApi, ISeriesApi, UTCTimestamp } from "lightweight-charts";
import { createEffect, createMemo, createSignal, For, on, onCleanup, onMount, Show } from "solid-js";
import type { JSX } from "solid-js";

import { useShared } from "../app/context.js";
import { isLight, preference } from "../app/preferences.js";
import { Candles, candlesSentence, WIDTHS } from "../model/candles.js";
import type { Width } from "../model/candles.js";
import { amountText } from "../model/money.js";
import { clockText, momentText } from "../model/times.js";

/** Asked again so soon after a hole was seen, so often; the record is a second behind at most when it is well. */
const AGAIN_MS = 1_500;
const AGAIN_MAX = 6;
const CANDLES_ASKED = 1_000;
/** The sentence for who does not see the chart changes so seldom. */
const SENTENCE_MS = 15_000;

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

export function CandleChart(): JSX.Element {
  const { desk, ledger, selected, entry } = useShared();
  let box!: HTMLDivElement;
  const [width, setWidth] = preference<Width>("candles", Object.keys(WIDTHS) as Width[], "1m");
  const [note, setNote] = createSignal("");
  const [sentence, setSentence] = createSignal("");
  let chart: IChartApi | null = null;
  let bars: ISeriesApi<"Candlestick"> | null = null;
  let volume: ISeriesApi<"Histogram"> | null = null;
  let candles = new Candles(width());
  let taken: unknown;
  let timer = 0;
  let tries = 0;
  let drawn = { first: 0, last: 0, count: 0 };

  const text = (ticks: number) => ((found) => (found === undefined ? String(ticks) : amountText(found, Math.round(ticks))))(entry().instrument());

  onMount(async () => {
    const { CandlestickSeries, createChart, HistogramSeries } = await import("lightweight-charts");
    if (!box.isConnected) return;
    chart = createChart(box, {
      autoSize: true,
      layout: { attributionLogo: false, fontFamily: "Inter Variable, system-ui, sans-serif", fontSize: Math.round(parseFloat(getComputedStyle(box).fontSize) * 0.9) },
      rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.06, bottom: 0.22 } },
      timeScale: { borderVisible: false, timeVisible: true, secondsVisible: WIDTHS[width()] < 60, rightOffset: 4, tickMarkFormatter: (time: number) => clockText(time * 1_000).slice(0, WIDTHS[width()] < 60 ? 8 : 5) },
      localization: { priceFormatter: text, timeFormatter: (time: number) => momentText(time * 1_000_000) },
      crosshair: { mode: 0 },
    });
    bars = chart.addSeries(CandlestickSeries, { priceFormat: { type: "custom", formatter: text, minMove: 1 }, priceLineVisible: true });
    volume = chart.addSeries(HistogramSeries, { priceScaleId: "volume", priceFormat: { type: "volume" }, lastValueVisible: false, priceLineVisible: false });
    chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.84, bottom: 0 } });
    dress();
    drawn = { first: 0, last: 0, count: 0 };
    draw();
  });
  onCleanup(() => {
    clearTimeout(timer);
    chart?.remove();
  });

  /** Put the theme's colours on. Rising bars are hollow: colour is not the only sign. */
  const dress = () => {
    chart?.applyOptions({
      layout: { background: { color: colour("--panel") }, textColor: colour("--quiet") },
      grid: { vertLines: { color: colour("--line") }, horzLines: { color: colour("--line") } },
    });
    const [bid, ask] = [colour("--bid"), colour("--ask")];
    bars?.applyOptions({ upColor: colour("--panel"), borderUpColor: bid, wickUpColor: bid, downColor: ask, borderDownColor: ask, wickDownColor: ask });
    volume?.applyOptions({ color: colour("--line") });
  };
  createEffect(on(isLight, () => queueMicrotask(dress), { defer: true }));

  const bar = ({ start, open, high, low, close }: (typeof candles.all)[number]) => ({ time: start as UTCTimestamp, open, high, low, close });
  const draw = () => {
    if (bars === null || volume === null) return;
    const all = candles.all;
    const [first, last] = [all[0], all.at(-1)];
    const isMore = first?.start === drawn.first && last !== undefined && last.start >= drawn.last && all.length - drawn.count <= 1;
    if (isMore) {
      bars.update(bar(last));
      volume.update({ time: last.start as UTCTimestamp, value: last.volume });
    } else {
      bars.setData(all.map(bar));
      volume.setData(all.map((each) => ({ time: each.start as UTCTimestamp, value: each.volume })));
    }
    drawn = { first: first?.start ?? 0, last: last?.start ?? 0, count: all.length };
  };

  const load = async (mine: Candles, symbol: string) => {
    if (ledger.isThere) {
      try {
        const now = desk.serverNow();
        const from = new Date((Number.isFinite(now) ? now : Date.now()) - CANDLES_ASKED * WIDTHS[mine.width] * 1_000).toISOString();
        const { rows } = await ledger.page("candles", { instrument: symbol, width: mine.width, from });
        if (mine !== candles) return;
        mine.load(rows);
      } catch {
        if (mine !== candles) return; // the ledger's trouble is told below
        tries = AGAIN_MAX;
      }
    } else tries = AGAIN_MAX;
    if (mine.hasHole && tries >= AGAIN_MAX) mine.skipHole();
    draw();
    watch();
  };
  /** Ask the record again while live trades wait for it. */
  const watch = () => {
    clearTimeout(timer);
    setNote(candles.missing > 0 ? `${candles.missing} trades are missing here: the record does not answer.` : "");
    if (!candles.hasHole) {
      tries = 0;
      return;
    }
    const [mine, symbol] = [candles, selected()];
    timer = window.setTimeout(() => {
      tries += 1;
      void load(mine, symbol);
    }, AGAIN_MS);
  };

  createEffect(
    on([selected, width], ([symbol, chosen]) => {
      candles = new Candles(chosen);
      taken = undefined;
      tries = 0;
      clearTimeout(timer);
      setNote("");
      drawn = { first: 0, last: 0, count: 0 };
      bars?.setData([]);
      volume?.setData([]);
      chart?.timeScale().applyOptions({ secondsVisible: WIDTHS[chosen] < 60 });
      if (symbol !== "") void load(candles, symbol);
    }),
  );
  // Live trades: those of the tape that were not taken yet.
  createEffect(() => {
    desk.tapeVersion();
    const { tape } = desk;
    let from = tape.size;
    while (from > 0 && tape.at(from - 1) !== taken) from -= 1;
    const hadHole = candles.hasHole;
    for (let at = from; at < tape.size; at += 1) {
      const each = tape.at(at);
      if (each?.type === "trade" && each.instrument === selected()) candles.add(each);
    }
    taken = tape.last;
    draw();
    if (candles.hasHole && !hadHole) watch();
  });

  const tell = () => setSentence(candlesSentence(selected(), width(), candles.all, text));
  const telling = window.setInterval(tell, SENTENCE_MS);
  createEffect(on([selected, width], () => window.setTimeout(tell, 1_500)));
  onCleanup(() => clearInterval(telling));
  const trouble = createMemo(() => ledger.trouble() || note());

  return (
    <div class="chart-view">
      <div class="chart-tools">
        <div role="radiogroup" aria-label="Width of a candle" class="widths">
          <For each={Object.keys(WIDTHS) as Width[]}>
            {(each) => <label class="width" data-on={each === width()}><input type="radio" name="candle-width" class="hidden" checked={each === width()} onChange={() => setWidth(each)} />{each}</label>}
          </For>
        </div>
        <a class="quiet small attribution" href="https://www.tradingview.com/" rel="noreferrer noopener" target="_blank">Charts by TradingView</a>
      </div>
      <div ref={box} class="chart" role="img" aria-label={sentence() || candlesSentence(selected(), width(), [], text)} />
      <Show when={trouble() !== ""}><p class="strip warn">{trouble()}</p></Show>
    </div>
  );
}
