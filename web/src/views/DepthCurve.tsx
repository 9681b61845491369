/** The depth curve: how many lots stand up to each price, on both sides. */

import { createEffect, createMemo, on, onCleanup, onMount } from "solid-js";
import type { JSX } from "solid-js";
import type uPlot from "uplot";

import { useShared } from "../app/context.js";
import { isLight } from "../app/preferences.js";
import { amountText, lotsText } from "../model/money.js";

type Data = [number[], (number | null)[], (number | null)[]];

export function DepthCurve(): JSX.Element {
  const { desk, entry, selected } = useShared();
  let box!: HTMLDivElement;
  let plot: uPlot | null = null;
  let make: typeof uPlot | null = null;
  const text = (ticks: number) => ((found) => (found === undefined ? String(ticks) : amountText(found, Math.round(ticks))))(entry().instrument());

  /** All prices in order, each with the total of its side. */
  const data = createMemo((): Data => {
    const depth = desk.depth();
    if (depth === null) return [[], [], []];
    const rows = [
      ...depth.bids.map(([price, total]) => [price, total, null] as const),
      ...depth.asks.map(([price, total]) => [price, null, total] as const),
    ].sort((one, other) => one[0] - other[0]);
    return [rows.map(([price]) => price), rows.map(([, bid]) => bid), rows.map(([, , ask]) => ask)];
  });
  const sentence = createMemo(() => {
    const depth = desk.depth();
    const [bid, ask] = [depth?.bids.at(-1), depth?.asks.at(-1)];
    if (bid === undefined && ask === undefined) return `${selected()}: the book is empty.`;
    const side = (found: readonly [number, number] | undefined, word: string) => (found === undefined ? `nothing ${word}` : `${lotsText(found[1])} lots ${word} up to ${text(found[0])}`);
    return `${selected()}: ${side(bid, "bid")}, ${side(ask, "asked")}.`;
  });

  const draw = () => {
    plot?.destroy();
    plot = null;
    if (make === null || !box.isConnected) return;
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    const font = `${Math.round(parseFloat(getComputedStyle(box).fontSize) * 0.9)}px "Inter Variable", system-ui, sans-serif`;
    const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font };
    const stepped = make.paths.stepped;
    const side = (label: string, name: string, fill: string, align: 1 | -1) => ({
      label, stroke: colour(name), fill: colour(fill), width: 1.5, points: { show: false }, value: (_: uPlot, value: number | null) => (value === null ? "" : lotsText(value)),
      ...(stepped === undefined ? {} : { paths: stepped({ align }) }),
    });
    plot = new make(
      {
        width: Math.max(120, box.clientWidth), height: Math.max(80, box.clientHeight), legend: { show: false }, cursor: { points: { size: 5 }, drag: { x: false, y: false } }, padding: [10, 12, 0, 0],
        scales: { x: { time: false }, y: { range: (_self, _low, high) => [0, Math.max(1, high) * 1.06] } },
        axes: [{ ...axis, values: (_, values) => values.map(text), space: 70 }, { ...axis, values: (_, values) => values.map((value) => lotsText(Math.round(value))), size: 64 }],
        series: [{}, side("bid", "--bid", "--bid-faint", -1), side("ask", "--ask", "--ask-faint", 1)],
      },
      data(), box,
    );
  };

  onMount(async () => {
    const [library] = await Promise.all([import("uplot"), import("uplot/dist/uPlot.min.css")]);
    make = library.default;
    draw();
    const observer = new ResizeObserver(() => plot?.setSize({ width: Math.max(120, box.clientWidth), height: Math.max(80, box.clientHeight) }));
    observer.observe(box);
    onCleanup(() => observer.disconnect());
  });
  onCleanup(() => plot?.destroy());
  createEffect(on([isLight, selected], () => queueMicrotask(draw), { defer: true }));
  createEffect(() => {
    const newest = data(); // read whether or not there is a plot yet: else nothing would come here again
    plot?.setData(newest);
  });

  return (
    <div class="chart-view">
      <p class="chart-tools quiet"><span class="key" data-side="bid">bid, to the left</span><span class="key" data-side="ask">asked, to the right</span></p>
      <div ref={box} class="chart" role="img" aria-label={sentence()} />
    </div>
  );
}
