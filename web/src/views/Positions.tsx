/** What the user holds, with average cost and result, and the money. */

import { createMemo, For, Show } from "solid-js";
import type { JSX } from "solid-js";

import { useShared } from "../app/context.js";
import { lotsText, moneyText, NONE, priceText, signedMoneyText } from "../model/money.js";
import { moneyRows, positionRows } from "../model/positionRows.js";
import { momentText } from "../model/times.js";

const WHY: Readonly<Record<string, string>> = { vesting: "vest", holding_period: "are held" };

function signOf(value: bigint | null): number | undefined {
  return value === null ? undefined : value > 0n ? 1 : value < 0n ? -1 : 0;
}

export function Positions(): JSX.Element {
  const { desk, select } = useShared();
  const rows = createMemo(() => positionRows(desk.account(), desk.clock() * 1_000, (symbol) => desk.entry(symbol).instrument(), (symbol) => desk.entry(symbol).ticker()?.last ?? 0));
  const money = createMemo(() => moneyRows(desk.account(), rows()));
  const amount = (value: bigint | null) => (value === null ? NONE : signedMoneyText(value));
  return (
    <div class="table-scroll scroll" tabindex={0} role="region" aria-label="Positions and money" classList={{ stale: desk.account().stale }}>
      <Show when={rows().length > 0} fallback={<p class="empty">{desk.account().stale ? "Your account has not come yet." : "You hold nothing."}</p>}>
        <table class="grid">
          <thead>
            <tr><th scope="col">Instrument</th><th scope="col" class="n">Lots</th><th scope="col" class="n">Free</th><th scope="col" class="n">Average cost</th><th scope="col" class="n">Last</th><th scope="col" class="n">Value</th><th scope="col" class="n">Unrealised</th><th scope="col">Held back</th></tr>
          </thead>
          <tbody>
            <For each={rows()}>
              {(row) => {
                const last = () => ((found) => (found === undefined ? NONE : priceText(found, desk.entry(row.symbol).ticker()?.last ?? 0)))(desk.entry(row.symbol).instrument());
                return (
                  <tr>
                    <td><button type="button" class="link" onClick={() => select(row.symbol)}>{row.symbol}</button></td>
                    <td class="n">{lotsText(row.lots)}</td>
                    <td class="n">{desk.account().keepsAccounts ? lotsText(row.free) : NONE}</td>
                    <td class="n">{row.average === null ? NONE : moneyText(row.average)}</td>
                    <td class="n">{last()}</td>
                    <td class="n">{row.value === null ? NONE : `${moneyText(row.value)} ${row.currency}`}</td>
                    <td class="n" data-direction={signOf(row.unrealised)}>{amount(row.unrealised)}</td>
                    <td>{row.held.map(({ lots, until, why }) => `${lotsText(lots)} ${WHY[why] ?? why} until ${momentText(until)}`).join("; ")}</td>
                  </tr>
                );
              }}
            </For>
          </tbody>
        </table>
      </Show>
      <Show when={money().length > 0}>
        <table class="grid">
          <thead><tr><th scope="col">Money</th><th scope="col" class="n">Held</th><th scope="col" class="n">Reserved</th><th scope="col" class="n">Free</th><th scope="col" class="n">Realised</th><th scope="col" class="n">Unrealised</th></tr></thead>
          <tbody>
            <For each={money()}>
              {(row) => (
                <tr>
                  <td>{row.currency}</td>
                  <td class="n">{moneyText(row.held)}</td>
                  <td class="n">{moneyText(row.reserved)}</td>
                  <td class="n">{moneyText(row.free)}</td>
                  <td class="n" data-direction={signOf(row.result)}>{amount(row.result)}</td>
                  <td class="n" data-direction={signOf(row.unrealised)}>{amount(row.unrealised)}</td>
                </tr>
              )}
            </For>
          </tbody>
        </table>
        <Show when={!desk.account().keepsAccounts}><p class="quiet table-note">This market keeps no accounts: money is the net of your trades.</p></Show>
        <Show when={desk.account().keepsAccounts && !desk.account().isMoneyCurrent}><p class="quiet table-note">A fill has changed the money: the new figures are on their way.</p></Show>
      </Show>
    </div>
  );
}
