/** Both sides of an instrument at once, for market makers: what stands, what shall stand, and how it is withdrawn. */

import { createEffect, createMemo, createSignal, on, Show } from "solid-js";
import type { JSX } from "solid-js";

import { useShared } from "../app/context.js";
import { NamedRequest } from "../app/namedRequest.js";
import { lotsText, priceText } from "../model/money.js";
import { checkQuote, NO_QUOTE } from "../model/quoteChecks.js";
import type { QuoteDraft } from "../model/quoteChecks.js";
import { Icon } from "./icons.jsx";
import { Field } from "./OfficeParts.jsx";

export function QuoteForm(): JSX.Element {
  const { desk, entry, selected } = useShared();
  const request = new NamedRequest();
  const [draft, setDraft] = createSignal<QuoteDraft>(NO_QUOTE);
  createEffect(on(selected, () => (setDraft(NO_QUOTE), request.change()), { defer: true })); // another instrument: its prices are others
  const standing = createMemo(() => desk.account().orders.filter((order) => order.instrument === selected() && String(order.time_in_force) === "quote"));
  const side = (name: "bid" | "ask") => {
    const [found, instrument] = [standing().find((order) => order.side === name), entry().instrument()];
    return found === undefined || instrument === undefined ? "none" : `${lotsText(found.remaining)} at ${priceText(instrument, found.price)}`;
  };
  const change = (part: Partial<QuoteDraft>) => {
    if (request.state() === "sent") return;
    request.change();
    setDraft((before) => ({ ...before, ...part }));
  };
  const send = (event: SubmitEvent) => {
    event.preventDefault();
    const instrument = entry().instrument();
    if (instrument === undefined) return;
    const found = checkQuote(draft(), instrument, entry().terms());
    if ("wrong" in found) return request.wrong(found.wrong);
    void request.send(performance.now(), `Quote of ${instrument.symbol}`, (quote_id) => desk.ask({ op: "quote", quote_id, pairs: [found.pair] }));
  };
  const withdraw = () => {
    request.change();
    const instrument = selected();
    void request.send(performance.now(), `Withdrawing the quote of ${instrument}`, (quote_id) => desk.ask({ op: "quote", quote_id, pairs: [{ instrument, bid: 0, bid_quantity: 0, ask: 0, ask_quantity: 0 }] }));
  };
  const isOff = () => desk.connection().link.phase !== "live" || entry().status()?.state === "delisted";
  return (
    <form class="ticket-form scroll" aria-label="Quote" onSubmit={send} onKeyDown={(event) => event.key === "Enter" && event.repeat && event.preventDefault()} noValidate>
      <dl class="summary"><dt>Your bid</dt><dd>{side("bid")}</dd><dt>Your ask</dt><dd>{side("ask")}</dd></dl>
      <div class="pair">
        <Field label="Bid" value={draft().bid} onInput={(bid) => change({ bid })} />
        <Field label="Lots bid" value={draft().bidLots} onInput={(bidLots) => change({ bidLots })} />
      </div>
      <div class="pair">
        <Field label="Ask" value={draft().ask} onInput={(ask) => change({ ask })} />
        <Field label="Lots asked" value={draft().askLots} onInput={(askLots) => change({ askLots })} />
      </div>
      <p class="quiet">It takes the place of your quote here. A side that is left empty is withdrawn. Quotes end when you are away.</p>
      <button type="submit" class="send" data-side="bid" disabled={isOff()} aria-disabled={request.state() === "sent"} onClick={(event) => event.detail > 1 && event.preventDefault()}>
        {request.state() === "sent" ? "Sent, waiting for the exchange" : request.state() === "unknown" ? "Send it again (safe)" : `Quote ${selected()}`}
      </button>
      <button type="button" disabled={isOff() || standing().length === 0} onClick={withdraw}>Withdraw</button>
      <Outcome request={request} />
    </form>
  );
}

/** What came of a request that has a name. */
export function Outcome(props: { readonly request: NamedRequest }): JSX.Element {
  return (
    <div role="status" class="ticket-outcome">
      <Show when={props.request.done() !== ""}><p class="note good"><Icon name="good" /> {props.request.done()}</p></Show>
      <Show when={props.request.trouble() !== ""}><p class="note bad"><Icon name="warn" /> {props.request.trouble()}</p></Show>
    </div>
  );
}
