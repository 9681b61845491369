/** The desk: what an employee has open all day. */

import { createEffect, createMemo, createSignal, For, onCleanup, onMount, Show } from "solid-js";
import type { JSX } from "solid-js";

import { SharedContext } from "../app/context.js";
import type { Shared } from "../app/context.js";
import type { Desk } from "../app/desk.js";
import { CANCEL_ALL_KEY } from "../app/keys.js";
import { claims, hasRole } from "../app/login.js";
import { isSecure } from "../app/pageSettings.js";
import type { PageSettings } from "../app/pageSettings.js";
import { Ledger } from "../app/ledger.js";
import { media, PHONE, VAST } from "../app/media.js";
import { isLight, preference, setSymbolWanted, switchTheme, symbolWanted } from "../app/preferences.js";
import { keepRuleNotes } from "../app/ruleNotes.js";
import { keepSparklines } from "../app/sparklines.js";
import { TicketForm } from "../app/ticketForm.js";
import { said, Trading } from "../app/trading.js";
import { tellExecutions, tokenWarning } from "../app/watch.js";
import { lotsText, priceText } from "../model/money.js";
import { clockText, zoneText } from "../model/times.js";
import { Administration } from "./Administration.jsx";
import { clockWarning, Connection, standing } from "./Connection.jsx";
import { ConnectionDetails } from "./ConnectionDetails.jsx";
import { CandleChart } from "./Candles.jsx";
import { Compliance } from "./Compliance.jsx";
import { DepthCurve } from "./DepthCurve.jsx";
import { Executions } from "./Executions.jsx";
import { Headline } from "./Headline.jsx";
import { Help } from "./Help.jsx";
import { Icon } from "./icons.jsx";
import { Ladder } from "./Ladder.jsx";
import { MarketStates } from "./MarketStates.jsx";
import { OrderPanel } from "./OrderPanel.jsx";
import { Orders } from "./Orders.jsx";
import { Positions } from "./Positions.jsx";
import { Receipt } from "./Receipt.jsx";
import { Tabs } from "./Tabs.jsx";
import type { Tab } from "./Tabs.jsx";
import { Tape } from "./Tape.jsx";
import { Watchlist } from "./Watchlist.jsx";

function connectionDetail(detail: string): string {
  return `The exchange does not let this page in: ${detail}`;
}

/** Views that need the room of the charts. */
const OFFICE: readonly string[] = ["compliance", "administration"];

/** What a phone shows, one at a time. */
type Shown = "market" | "charts" | "ladder" | "ticket" | "yours";
const SHOWN: readonly (readonly [Shown, string])[] = [["market", "Market"], ["charts", "Charts"], ["ladder", "Ladder"], ["ticket", "Ticket"], ["yours", "Yours"]];

export function DeskView(props: { readonly desk: Desk; readonly settings: PageSettings; readonly trouble: string; readonly onLogout: (why: string) => void }): JSX.Element {
  const { desk, settings } = props;
  const trading = new Trading(desk);
  const ticket = new TicketForm();
  const rules = keepRuleNotes(desk);
  const selected = createMemo(() => {
    const symbols = desk.symbols();
    const wanted = symbolWanted();
    // One that is listed no more stays on the screen, and says so: nobody's next order goes into another by itself.
    return wanted !== "" && (symbols.length === 0 || desk.entries.get(wanted)?.instrument() !== undefined) ? wanted : (symbols[0] ?? "");
  });
  const entry = createMemo(() => desk.entry(selected()));
  const select = (symbol: string) => {
    if (symbol === selected()) return;
    setSymbolWanted(symbol);
    ticket.forInstrument();
    if (isPhone() && shown() === "market") setShown("ladder");
  };
  const ledger = new Ledger(settings.ledger);
  const [receipt, setReceipt] = createSignal(0);
  const [isHelping, setHelping] = createSignal(false);
  const [isAsking, setAsking] = createSignal(false);
  const [upper, setUpper] = preference<string>("upper", [], "candles");
  const isVast = media(VAST);
  const isPhone = media(PHONE);
  const [shown, setShown] = createSignal<Shown>("ladder");
  const wantsDepth = () => isVast() || upper() === "depth";
  const shared: Shared = { desk, trading, settings, ledger, ticket, rules, selected, select, entry, wantsDepth, showReceipt: setReceipt };
  const [second, setSecond] = preference<string>("second", [], "executions");
  const [lower, setLower] = preference<string>("lower", [], "orders");
  const charts: readonly Tab[] = [
    { name: "candles", title: "Candles", view: () => <CandleChart /> },
    { name: "depth", title: "Depth", view: () => <DepthCurve /> },
  ];
  const tabs: readonly Tab[] = [
    { name: "orders", title: "Orders", count: () => desk.account().orders.length, view: () => <Orders /> },
    { name: "executions", title: "Executions", view: () => <Executions /> },
    { name: "positions", title: "Positions", view: () => <Positions /> },
    { name: "states", title: "Auctions and states", view: () => <MarketStates /> },
    ...(hasRole("compliance", "auditor") ? [{ name: "compliance", title: "Compliance", view: () => <Compliance /> }] : []),
    ...(hasRole("admin") ? [{ name: "administration", title: "Administration", view: () => <Administration /> }] : []),
  ];
  const words = standing(desk);
  const ending = tokenWarning(desk);
  keepSparklines(desk, ledger);
  tellExecutions(desk);
  const refused = () => ((link) => (link.phase === "refused" ? connectionDetail(words().detail) : ""))(desk.connection().link);
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
    const instrument = entry().instrument();
    const price = instrument === undefined || !last ? "" : ` ${priceText(instrument, last)}`;
    document.title = `${words().isTrusted ? "" : `${words().word} \u2013 `}${selected()}${price} \u2013 OpenOutcry`;
  });

  return (
    <SharedContext.Provider value={shared}>
      <a class="skip" href="#market">To the market</a>
      <div class="desk" classList={{ untrusted: !words().isTrusted }}>
        <header class="bar">
          <span class="brand"><span class="mark" aria-hidden="true" />OpenOutcry</span>
          <Connection words={words} onAsk={() => setAsking(true)} />
          <span class="gap" />
          <Clock desk={desk} zone={settings.zone} />
          <button type="button" class="cancel-all" disabled={orders() === 0} onClick={() => void trading.cancelAll()}>
            Cancel all <span class="count">{lotsText(orders())}</span> <kbd>{CANCEL_ALL_KEY}</kbd>
          </button>
          <button type="button" class="icon" aria-label="Keys and words" title="Keys and words" onClick={() => setHelping(true)}><Icon name="help" /></button>
          <button type="button" class="icon" onClick={switchTheme} aria-label={isLight() ? "Dark theme" : "Light theme"} title={isLight() ? "Dark theme" : "Light theme"}><Icon name={isLight() ? "moon" : "sun"} /></button>
          <span class="user">{desk.connection().user || claims()?.user}</span>
          <button type="button" class="small" onClick={() => props.onLogout("")}>Log out</button>
        </header>
        <div class="strips">
          <Show when={clockWarning(desk.connection().clockAheadMs) !== ""}><p class="strip warn">{clockWarning(desk.connection().clockAheadMs)}</p></Show>
          <Show when={!isSecure()}><p class="strip warn">This page came over plain http: nobody but you and the exchange should be on the way. Copying, saved logins and the company's login are not to be had here.</p></Show>
          <Show when={props.trouble !== ""}><p class="strip warn">{props.trouble}</p></Show>
          <Show when={refused() !== "" || ending() !== ""}>
            <p class="strip bad" role="alert"><span>{refused() || ending()}</span> <button type="button" class="small" onClick={() => props.onLogout(refused() || ending())}>Log in again</button></p>
          </Show>
        </div>
        <main id="market" tabindex={-1} class="desk-grid" data-shown={shown()}>
          <Watchlist />
          <div class="middle" classList={{ office: OFFICE.includes(lower()) }}>
            <Headline />
            <Show
              when={isVast()}
              fallback={
                <>
                  <Tabs class="upper" label="Charts" tabs={charts} chosen={upper()} onChoose={setUpper} />
                  <Tabs class="lower" label="Yours, and the market's" tabs={tabs} chosen={lower()} onChoose={setLower} />
                </>
              }
            >
              <div class="beside upper"><For each={charts}>{(tab) => <Tabs label={tab.title} tabs={[tab]} chosen={tab.name} onChoose={() => undefined} />}</For></div>
              <div class="beside lower">
                <Tabs label="Yours, and the market's" tabs={tabs} chosen={lower()} onChoose={setLower} />
                <Tabs label="More of it" tabs={tabs} chosen={second()} onChoose={setSecond} />
              </div>
            </Show>
          </div>
          <Ladder isTrusted={words().isTrusted} />
          <div class="right">
            <OrderPanel />
            <Tape isTrusted={words().isTrusted} />
          </div>
        </main>
        <Show when={isPhone()}>
          <nav class="phone-nav" aria-label="Views">
            <For each={SHOWN}>{([name, title]) => <button type="button" aria-current={shown() === name ? "page" : undefined} onClick={() => setShown(name)}>{title}</button>}</For>
          </nav>
        </Show>
        <Show when={receipt() > 0}><Receipt orderId={receipt()} onClose={() => setReceipt(0)} /></Show>
        <Show when={isAsking()}><ConnectionDetails words={words} onClose={() => setAsking(false)} /></Show>
        <Show when={isHelping()}><Help onClose={() => setHelping(false)} /></Show>
        <Notices desk={desk} />
        <Announcer text={words().isTrusted || desk.connection().link.phase === "reconnecting" ? words().word : `${words().word}: ${words().detail}`} />
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
            <button type="button" class="icon" aria-label="Dismiss" onClick={() => props.desk.dismiss(notice)}><Icon name="close" /></button>
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
