/** The desk: what an employee has open all day. */

import { createEffect, createMemo, createSignal, For, onCleanup, onMount, Show } from "solid-js";
import type { JSX } from "solid-js";

import { SharedContext } from "../app/context.js";
import type { Shared } from "../app/context.js";
import type { Desk } from "../app/desk.js";
import { claims } from "../app/login.js";
import type { PageSettings } from "../app/pageSettings.js";
import { isLight, setSymbolWanted, switchTheme, symbolWanted } from "../app/preferences.js";
import { TicketForm } from "../app/ticketForm.js";
import { said, Trading } from "../app/trading.js";
import { lotsText } from "../model/money.js";
import { clockText, zoneText } from "../model/times.js";
import { clockWarning, Connection, standing } from "./Connection.jsx";
import { Headline } from "./Headline.jsx";
import { Ladder } from "./Ladder.jsx";
import { Orders } from "./Orders.jsx";
import { Ticket } from "./Ticket.jsx";
import { Watchlist } from "./Watchlist.jsx";

/** One key cancels all: a function key, so that nothing that is typed can do it. */
export const CANCEL_ALL_KEY = "F8";

export function DeskView(props: { readonly desk: Desk; readonly settings: PageSettings; readonly onLogout: (why: string) => void }): JSX.Element {
  const { desk, settings } = props;
  const trading = new Trading(desk);
  const ticket = new TicketForm();
  const selected = createMemo(() => {
    const symbols = desk.symbols();
    const wanted = symbolWanted();
    return symbols.includes(wanted) || symbols.length === 0 ? wanted : (symbols[0] as string);
  });
  const entry = createMemo(() => desk.entry(selected()));
  const select = (symbol: string) => {
    if (symbol === selected()) return;
    setSymbolWanted(symbol);
    ticket.forInstrument();
  };
  const shared: Shared = { desk, trading, settings, ticket, selected, select, entry };
  const words = standing(desk);
  const orders = () => desk.account().orders.length;

  const onKey = (event: KeyboardEvent) => {
    if (event.key !== CANCEL_ALL_KEY || event.repeat) return;
    event.preventDefault();
    void trading.cancelAll();
  };
  onMount(() => addEventListener("keydown", onKey));
  onCleanup(() => removeEventListener("keydown", onKey));
  createEffect(() => {
    const last = entry().ticker()?.last;
    document.title = `${words().isTrusted ? "" : `${words().word} \u2013 `}${selected()}${last === undefined ? "" : ""} \u2013 OpenOutcry`;
  });

  return (
    <SharedContext.Provider value={shared}>
      <a class="skip" href="#ticket-price">To the order ticket</a>
      <div class="desk" classList={{ untrusted: !words().isTrusted }}>
        <header class="bar">
          <span class="brand"><span class="mark" aria-hidden="true" />OpenOutcry</span>
          <Connection words={words} />
          <span class="gap" />
          <Clock desk={desk} zone={settings.zone} />
          <button type="button" class="cancel-all" disabled={orders() === 0} onClick={() => void trading.cancelAll()}>
            Cancel all <span class="count">{lotsText(orders())}</span> <kbd>{CANCEL_ALL_KEY}</kbd>
          </button>
          <button type="button" class="icon" onClick={switchTheme} aria-label={isLight() ? "Dark theme" : "Light theme"} title={isLight() ? "Dark theme" : "Light theme"}>{isLight() ? "\u263e" : "\u2600"}</button>
          <span class="user">{desk.connection().user || claims()?.user}</span>
          <button type="button" class="small" onClick={() => props.onLogout("")}>Log out</button>
        </header>
        <Show when={clockWarning(desk.connection().clockAheadMs) !== ""}><p class="strip warn">{clockWarning(desk.connection().clockAheadMs)}</p></Show>
        <main class="desk-grid">
          <Watchlist />
          <div class="middle">
            <Headline />
            <section class="panel book-of-orders" aria-labelledby="orders-title">
              <header class="panel-head"><h2 id="orders-title">Open orders</h2></header>
              <Orders />
            </section>
          </div>
          <Ladder isTrusted={words().isTrusted} />
          <Ticket />
        </main>
        <Notices desk={desk} />
        <Announcer text={`${words().word}. ${words().isTrusted ? "" : words().detail}`} />
      </div>
    </SharedContext.Provider>
  );
}

/** The user's time, and the exchange's beside it; both by the exchange's clock. */
function Clock(props: { readonly desk: Desk; readonly zone: string | null }): JSX.Element {
  const now = () => props.desk.clock();
  return (
    <span class="clock">
      <span>{clockText(now())} <span class="label">{zoneText(now())}</span></span>
      <Show when={props.zone !== null}><span>{clockText(now(), props.zone ?? "UTC")} <span class="label">exchange</span></span></Show>
    </span>
  );
}

function Notices(props: { readonly desk: Desk }): JSX.Element {
  return (
    <div class="notices">
      <For each={props.desk.notices()}>
        {(notice) => (
          <p class="notice" data-tone={notice.tone}>
            <span>{notice.text}</span>
            <button type="button" class="icon" aria-label="Dismiss" onClick={() => props.desk.dismiss(notice)}>{"\u2715"}</button>
          </p>
        )}
      </For>
    </div>
  );
}

/** What a screen reader hears: changes of the connection and what the user did. Never prices: those are asked for by moving to them. */
function Announcer(props: { readonly text: string }): JSX.Element {
  const [settled, setSettled] = createSignal("");
  let timer = 0;
  createEffect(() => {
    const { text } = props;
    clearTimeout(timer);
    timer = window.setTimeout(() => setSettled(text), 700); // a state that passes is not told
  });
  onCleanup(() => clearTimeout(timer));
  return (
    <>
      <div class="hidden" role="status">{settled()}</div>
      <div class="hidden" role="status">{said().text}{"\u00a0".repeat(said().number % 2)}</div>
    </>
  );
}
