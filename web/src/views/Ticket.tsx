/** The order ticket: what an order would come to before it is sent, and the exchange's sentence beside its field after. */

import { createMemo, createSignal, For, Show } from "solid-js";
import type { JSX } from "solid-js";

import { useShared } from "../app/context.js";
import { checked, marketOf, submitTicket } from "../app/submitTicket.js";
import { SIDE_WORD } from "../app/trading.js";
import { amountText, lotsText, moneyText, NONE } from "../model/money.js";
import type { Draft, Field } from "../model/ticketChecks.js";
import { Icon } from "./icons.jsx";

const TIMES: readonly (readonly [Draft["timeInForce"], string])[] = [
  ["gtc", "Until cancelled"], ["day", "Today"], ["gtd", "Until a day"], ["ioc", "At once, the rest ends"], ["fok", "All at once, or nothing"],
  ["auction", "This auction only"],
];

export function Ticket(): JSX.Element {
  const { desk, trading, ticket, entry } = useShared();
  const [isMore, setMore] = createSignal(false);
  const [touched, setTouched] = createSignal<ReadonlySet<string>>(new Set());
  const draft = () => ticket.draft();
  const market = createMemo(() => marketOf(desk, entry()));
  const judged = createMemo(() => checked(desk, ticket, entry()));
  const currency = () => entry().instrument()?.currency ?? "";

  /** The exchange's sentence first; then what the page sees, of fields that were typed in. */
  const error = (field: Field): string => {
    const refusal = ticket.refusal();
    if (refusal?.field === field) return refusal.text;
    return touched().has(field) ? (judged()?.errors[field] ?? "") : "";
  };
  const change = (part: Partial<Draft>, field?: Field) => {
    if (field !== undefined) setTouched((before) => new Set(before).add(field));
    ticket.change(part);
  };
  const nudge = (field: "price" | "quantity", direction: number) => {
    const found = market();
    if (found === null) return;
    if (field === "quantity") {
      const next = Math.max(1, (judged()?.quantity ?? 0) + direction);
      return change({ quantity: String(next) }, "quantity");
    }
    const from = judged()?.price || (draft().side === "bid" ? found.bestBid : found.bestAsk) || found.last;
    change({ price: amountText(found.instrument, Math.max(1, from + direction)).replace(/,/g, "") }, "price");
  };
  const onArrow = (field: "price" | "quantity") => (event: KeyboardEvent) => {
    const direction = event.key === "ArrowUp" ? 1 : event.key === "ArrowDown" ? -1 : 0;
    if (direction === 0) return;
    event.preventDefault();
    nudge(field, direction * (event.shiftKey ? 10 : 1));
  };
  const send = (event: SubmitEvent) => {
    event.preventDefault();
    setTouched(new Set<string>());
    void submitTicket(desk, trading, ticket, entry());
  };
  // The exchange may answer before the second click of a double one, or before a held key repeats: that is no new order.
  const onClick = (event: MouseEvent) => event.detail > 1 && event.preventDefault();
  const onHeld = (event: KeyboardEvent) => event.key === "Enter" && event.repeat && event.preventDefault();
  const reserve = () => {
    const found = judged()?.reserves;
    if (found === null || found === undefined) return NONE;
    return "money" in found ? `${moneyText(found.money)} ${currency()}` : `${lotsText(found.lots)} lots`;
  };
  const free = () => {
    const found = market();
    if (found === null || found.freeMoney === null || found.freeLots === null) return NONE;
    return draft().side === "bid" ? `${moneyText(found.freeMoney)} ${currency()}` : `${lotsText(found.freeLots)} lots`;
  };
  const isSent = () => ticket.state() === "sent";

  return (
    <form class="ticket-form scroll" onSubmit={send} onKeyDown={onHeld} noValidate>
      <div class="sides" role="radiogroup" aria-label="Side">
        <For each={["bid", "ask"] as const}>
          {(side) => (
            <label class="side" data-side={side} data-on={draft().side === side}>
              <input type="radio" name="side" checked={draft().side === side} onChange={() => change({ side })} />{SIDE_WORD[side]}
            </label>
          )}
        </For>
      </div>
      <FieldError text={error("side")} id="error-side" />
      <FieldError text={error("instrument")} id="error-instrument" />
      <div class="pair">
        <div class="field">
          <label for="ticket-kind">Kind</label>
          <select id="ticket-kind" value={draft().kind} onChange={({ currentTarget }) => change({ kind: currentTarget.value as Draft["kind"] })}>
            <option value="limit">Limit</option><option value="market">Market</option>
          </select>
        </div>
        <div class="field">
          <label for="ticket-time">Good</label>
          <select id="ticket-time" value={draft().timeInForce} aria-describedby="error-time_in_force" onChange={({ currentTarget }) => change({ timeInForce: currentTarget.value as Draft["timeInForce"] })}>
            <For each={TIMES}>{([value, text]) => <option value={value}>{text}</option>}</For>
          </select>
        </div>
      </div>
      <FieldError text={error("kind") || error("time_in_force")} id="error-time_in_force" />
      <Show when={draft().kind === "limit"}>
        <div class="field">
          <label for="ticket-price">Price <span class="unit">{currency()}</span></label>
          <Stepper name="price" onStep={(direction) => nudge("price", direction)}>
            <input id="ticket-price" inputmode="decimal" autocomplete="off" value={draft().price} aria-invalid={error("price") !== ""} aria-describedby="error-price" onKeyDown={onArrow("price")} onInput={({ currentTarget }) => change({ price: currentTarget.value }, "price")} />
          </Stepper>
          <FieldError text={error("price")} id="error-price" />
        </div>
      </Show>
      <div class="field">
        <label for="ticket-quantity">Quantity <span class="unit">lots</span></label>
        <Stepper name="quantity" onStep={(direction) => nudge("quantity", direction)}>
          <input id="ticket-quantity" inputmode="numeric" autocomplete="off" value={draft().quantity} aria-invalid={error("quantity") !== ""} aria-describedby="error-quantity" onKeyDown={onArrow("quantity")} onInput={({ currentTarget }) => change({ quantity: currentTarget.value }, "quantity")} />
        </Stepper>
        <FieldError text={error("quantity")} id="error-quantity" />
      </div>
      <Show when={draft().timeInForce === "gtd"}>
        <div class="field">
          <label for="ticket-expires">Last day</label>
          <input id="ticket-expires" type="date" value={draft().expiresOn} aria-describedby="error-expires_on" onInput={({ currentTarget }) => change({ expiresOn: currentTarget.value }, "expires_on")} />
          <FieldError text={error("expires_on")} id="error-expires_on" />
        </div>
      </Show>
      <button type="button" class="more" aria-expanded={isMore()} onClick={() => setMore(!isMore())}>{isMore() ? "Less" : "More: stop, post only, minimum, clearance"}</button>
      <Show when={isMore() || draft().trigger !== "" || draft().minimum !== "" || draft().clearance !== "" || draft().postOnly}>
        <div class="pair">
          <div class="field">
            <label for="ticket-trigger">Stop trigger</label>
            <input id="ticket-trigger" inputmode="decimal" autocomplete="off" value={draft().trigger} aria-describedby="error-trigger" onInput={({ currentTarget }) => change({ trigger: currentTarget.value }, "trigger")} />
          </div>
          <div class="field">
            <label for="ticket-minimum">Minimum lots</label>
            <input id="ticket-minimum" inputmode="numeric" autocomplete="off" value={draft().minimum} aria-describedby="error-minimum" onInput={({ currentTarget }) => change({ minimum: currentTarget.value }, "minimum")} />
          </div>
        </div>
        <FieldError text={error("trigger")} id="error-trigger" />
        <FieldError text={error("minimum")} id="error-minimum" />
        <div class="pair">
          <div class="field">
            <label for="ticket-clearance">Clearance</label>
            <input id="ticket-clearance" autocomplete="off" value={draft().clearance} aria-describedby="error-clearance" onInput={({ currentTarget }) => change({ clearance: currentTarget.value }, "clearance")} />
          </div>
          <label class="inline check"><input type="checkbox" checked={draft().postOnly} onChange={({ currentTarget }) => change({ postOnly: currentTarget.checked })} /> Post only</label>
        </div>
        <FieldError text={error("clearance")} id="error-clearance" />
      </Show>
      <dl class="summary">
        <dt>{draft().kind === "limit" ? "Value" : "Value at the best price"}</dt><dd>{judged()?.value == null ? NONE : `${moneyText(judged()?.value ?? 0n)} ${currency()}`}</dd>
        <dt>Reserves</dt><dd>{reserve()}</dd>
        <dt>Free</dt><dd>{free()}</dd>
      </dl>
      <button type="submit" class="send" onClick={onClick} data-side={draft().side} aria-disabled={isSent()} disabled={desk.connection().link.phase !== "live" || entry().status()?.state === "delisted"}>
        {isSent() ? "Sent, waiting for the exchange" : ticket.state() === "unknown" ? "Send it again (safe)" : `${SIDE_WORD[draft().side]} ${judged()?.quantity ? lotsText(judged()?.quantity ?? 0) : ""} ${entry().symbol}`}
      </button>
      <div role="status" class="ticket-outcome">
        <Show when={ticket.done() !== ""}><p class="note good"><Icon name="good" /> {ticket.done()}</p></Show>
        <Show when={ticket.refusal()?.field === ""}><p class="note bad"><Icon name="warn" /> {ticket.refusal()?.text}</p></Show>
      </div>
    </form>
  );
}

function FieldError(props: { readonly text: string; readonly id: string }): JSX.Element {
  return <p id={props.id} class="field-error" role={props.text === "" ? undefined : "alert"}>{props.text}</p>;
}

function Stepper(props: { readonly name: string; readonly onStep: (direction: number) => void; readonly children: JSX.Element }): JSX.Element {
  return (
    <div class="stepper">
      {props.children}
      <button type="button" tabindex={-1} aria-label={`Lower ${props.name}`} onClick={() => props.onStep(-1)}><Icon name="minus" /></button>
      <button type="button" tabindex={-1} aria-label={`Raise ${props.name}`} onClick={() => props.onStep(1)}><Icon name="plus" /></button>
    </div>
  );
}
