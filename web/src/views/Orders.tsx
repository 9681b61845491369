/** The user's open orders. */

import { createMemo, createSignal, For, Show } from "solid-js";
import type { JSX } from "solid-js";

import { useShared } from "../app/context.js";
import { SIDE_WORD } from "../app/trading.js";
import { lotsText, NONE, priceText } from "../model/money.js";
import { momentText } from "../model/times.js";
import type { PlacedOrder } from "../worker/protocol.js";

const GOOD: Readonly<Record<string, string>> = { gtc: "until cancelled", day: "today", gtd: "until a day", ioc: "at once", fok: "all or nothing", auction: "auction only", quote: "quote" };

/** Why there is a number in a queue, in words. */
function placeText({ trigger, ahead, remaining }: PlacedOrder): string {
  if (trigger > 0) return "waits for its trigger";
  if (ahead === null || remaining === 0) return NONE;
  return ahead === 0 ? "first" : `\u2264 ${lotsText(ahead)} before`;
}

export function Orders(): JSX.Element {
  const { desk, trading, select } = useShared();
  const orders = createMemo(() => [...desk.account().orders].reverse());
  const price = ({ instrument }: PlacedOrder, ticks: number) => {
    const found = desk.entry(instrument).instrument();
    return found === undefined ? lotsText(ticks) : priceText(found, ticks);
  };
  const [isSwitching, setSwitching] = createSignal(false);
  const switchAway = async (box: HTMLInputElement) => {
    setSwitching(true);
    await trading.cancelOnDisconnect(box.checked);
    setSwitching(false);
    box.checked = desk.account().cancelOnDisconnect; // the exchange's word counts, not the click
  };
  const hasTriggers = () => orders().some((order) => order.trigger !== 0);
  return (
    <div class="table-scroll scroll" classList={{ stale: desk.account().stale }}>
      <label class="inline away" title="When no page or program of yours has been connected for longer than the exchange's grace period, all your open orders are cancelled. It holds until you switch it off.">
        <input type="checkbox" checked={desk.account().cancelOnDisconnect} disabled={desk.account().stale || isSwitching()} onChange={({ currentTarget }) => void switchAway(currentTarget)} />
        {" "}Cancel my orders when I am away
      </label>
      <Show when={orders().length > 0} fallback={<p class="empty">{desk.account().stale ? "Your orders have not come yet." : "You have no open orders."}</p>}>
        <table class="grid orders">
          <thead>
            <tr><th scope="col">Instrument</th><th scope="col">Side</th><th scope="col" class="n">Left</th><th scope="col" class="n spare">Of</th><th scope="col" class="n">Price</th><th scope="col" class="n" classList={{ spare: !hasTriggers() }}>Trigger</th><th scope="col">Queue</th><th scope="col" class="spare">Good</th><th scope="col"><span class="hidden">Actions</span></th></tr>
          </thead>
          <tbody>
            <For each={orders()}>
              {(order) => (
                <tr>
                  <td><button type="button" class="link" onClick={() => select(order.instrument)}>{order.instrument}</button></td>
                  <td data-side={order.side} class="side-word">{SIDE_WORD[order.side]}</td>
                  <td class="n">{lotsText(order.remaining)}</td>
                  <td class="n spare">{lotsText(order.quantity)}</td>
                  <td class="n">{order.kind === "market" ? "market" : price(order, order.price)}</td>
                  <td class="n" classList={{ spare: !hasTriggers() }}>{order.trigger === 0 ? NONE : price(order, order.trigger)}</td>
                  <td>{placeText(order)}</td>
                  <td class="spare">{order.expires_on !== "" ? `until ${order.expires_on}` : order.expires_at > 0 ? `until ${momentText(order.expires_at)}` : (GOOD[order.time_in_force] ?? order.time_in_force)}</td>
                  <td class="actions"><button type="button" class="small" disabled={trading.busy().has(order.order_id)} aria-label={`Cancel ${SIDE_WORD[order.side]} ${lotsText(order.remaining)} ${order.instrument}`} onClick={() => void trading.cancel(order)}>Cancel</button></td>
                </tr>
              )}
            </For>
          </tbody>
        </table>
      </Show>
    </div>
  );
}
