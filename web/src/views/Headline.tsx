/** The instrument that is looked at: its name, state and prices, and what its call would come to. */

import { createMemo, Show } from "solid-js";
import type { JSX } from "solid-js";

import { useShared } from "../app/context.js";
import { changeText, lotsText, NONE, priceText } from "../model/money.js";
import { callWord, stateWord } from "../model/stateWords.js";
import { aheadText, leftText } from "../model/times.js";
import { Banners } from "./Banners.jsx";
import { Icon } from "./icons.jsx";

export function Headline(): JSX.Element {
  const { desk, entry, settings } = useShared();
  const instrument = () => entry().instrument();
  const ticker = () => entry().ticker();
  const price = (ticks: number | undefined) => {
    const found = instrument();
    return found === undefined || ticks === undefined ? NONE : priceText(found, ticks);
  };
  const direction = () => Math.sign((ticker()?.last ?? 0) - (ticker()?.open ?? 0));
  const untilText = createMemo(() => {
    const until = entry().status()?.until ?? 0;
    const now = desk.clock();
    const isOfPhase = entry().status()?.state !== "halted"; // a halt may outlast its phase
    return until === 0 || !isOfPhase || !Number.isFinite(now) ? "" : `until ${aheadText(until, now)}, ${leftText(until / 1_000 - now)} left`;
  });
  return (
    <section class="panel headline" aria-label="Instrument">
      <div class="headline-name">
        <h1>{entry().symbol}</h1>
        <span class="quiet">{instrument()?.name || instrument()?.kind}</span>
        <span class="badge" data-state={entry().status()?.state ?? "open"}>{stateWord(entry().status()) || "Trading"}</span>
        <Show when={stateWord(entry().status()) !== "" && untilText() !== ""}><span class="quiet">{untilText()}</span></Show>
      </div>
      <div class="headline-figures">
        <span class="last" data-direction={direction()}>
          <Show when={direction() !== 0}><Icon name={direction() > 0 ? "up" : "down"} /></Show> {price(ticker()?.last)}
        </span>
        <span class="change" data-direction={direction()}>{changeText(ticker()?.open ?? 0, ticker()?.last ?? 0)}</span>
        <Figure label="Bid" value={price(ticker()?.bid)} side="bid" />
        <Figure label="Ask" value={price(ticker()?.ask)} side="ask" />
        <Figure label="High" value={price(ticker()?.high)} />
        <Figure label="Low" value={price(ticker()?.low)} />
        <Figure label="Volume" value={lotsText(ticker()?.volume ?? 0)} />
        <Figure label="Currency" value={instrument()?.currency ?? NONE} />
      </div>
      <Banners />
      <Show when={entry().auction()}>
        {(auction) => (
          <div class="call" role="group" aria-label="What the call would come to now">
            <strong>{callWord(auction().kind)}</strong>
            <Figure label="Indicative" value={price(auction().price)} />
            <Figure label="Volume" value={lotsText(auction().volume)} />
            <Figure label="Left over" value={auction().surplus === 0 ? "none" : `${lotsText(Math.abs(auction().surplus))} ${auction().surplus > 0 ? "bid" : "asked"}`} />
            <Figure label="Ends" value={auction().until === 0 ? "not known" : `${leftText(auction().until / 1_000 - desk.clock())}, ${aheadText(auction().until, desk.clock())}${settings.zone === null ? "" : ` (${aheadText(auction().until, desk.clock(), settings.zone)} exchange)`} at the earliest`} />
          </div>
        )}
      </Show>
    </section>
  );
}

export function Figure(props: { readonly label: string; readonly value: string; readonly side?: "bid" | "ask" }): JSX.Element {
  return (
    <span class="figure" data-side={props.side}>
      <span class="label">{props.label}</span> <span class="value">{props.value}</span>
    </span>
  );
}
