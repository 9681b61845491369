/**
 * The ladder: a row a price. A click on a side's lots takes that price into the ticket, or places an order there at once.
 * One's own orders stand at the edges with their place in the queue, and are dragged to another price, or moved by keys.
 */

import type { Side } from "openoutcry";
import { createEffect, createMemo, createSignal, For, Index, onCleanup, onMount, Show } from "solid-js";
import type { Accessor, JSX } from "solid-js";

import { useShared } from "../app/context.js";
import { submitTicket } from "../app/submitTicket.js";
import { say, SIDE_WORD } from "../app/trading.js";
import { amountText, lotsText, NONE, priceText } from "../model/money.js";
import type { LadderRow } from "../model/ladderRows.js";
import { placeMark } from "../model/queuePlace.js";
import type { PlacedOrder } from "../worker/protocol.js";

const STEPS = [1, 2, 5, 10, 25, 50, 100, 250, 1_000];
const COLUMNS = ["own bid", "bid", "price", "ask", "own ask"] as const;

interface Drag {
  readonly order: PlacedOrder;
  readonly price: number;
}

export function Ladder(props: { readonly isTrusted: boolean }): JSX.Element {
  const { desk, trading, ticket, entry, selected, wantsDepth } = useShared();
  let body!: HTMLDivElement;
  const [height, setHeight] = createSignal(0);
  /** Of a row, px: 24 at least, as high as a target must be; more where letters are larger. */
  const [rowPx, setRowPx] = createSignal(24);
  const [barPx, setBarPx] = createSignal(60);
  const [centre, setCentre] = createSignal<number | null>(null);
  const [step, setStep] = createSignal(1);
  const [active, setActive] = createSignal({ row: 0, column: 1 });
  const [drag, setDrag] = createSignal<Drag | null>(null);

  /** One while the ladder itself is out of sight: the best prices are shown elsewhere too. */
  const rowsWanted = createMemo(() => Math.max(1, Math.min(200, Math.floor(height() / rowPx()))));
  const instrument = () => entry().instrument();
  const price = (ticks: number) => {
    const found = instrument();
    return found === undefined ? NONE : priceText(found, ticks);
  };
  const places = createMemo(() => Array.from({ length: desk.rowCount() }, (_, at) => at));
  /** The fullest side in sight: bars are relative to it. */
  const most = createMemo(() => places().reduce((found, at) => Math.max(found, desk.row(at)().bidTotal, desk.row(at)().askTotal), 1));
  const largest = createMemo(() => places().reduce((found, at) => Math.max(found, desk.row(at)().bid, desk.row(at)().ask), 1));
  const own = createMemo(() => {
    const found = new Map<string, PlacedOrder[]>();
    const size = step();
    for (const order of desk.account().orders) {
      if (order.instrument !== selected() || order.price === 0) continue;
      const row = order.side === "bid" ? Math.floor(order.price / size) * size : Math.ceil(order.price / size) * size;
      const name = `${order.side} ${row}`;
      found.set(name, [...(found.get(name) ?? []), order]);
    }
    return found;
  });

  onMount(() => {
    const observer = new ResizeObserver(([found]) => {
      setRowPx(parseFloat(getComputedStyle(body).getPropertyValue("--row")) || 24);
      setHeight(found?.contentRect.height ?? 0);
      measureBars();
    });
    observer.observe(body);
    onCleanup(() => observer.disconnect());
    // Not by JSX: wheel listeners that may stop the page from scrolling have to say so.
    body.addEventListener("wheel", onWheel, { passive: false });
  });
  createEffect(() => {
    selected();
    setCentre(null);
    setStep(1);
  });
  createEffect(() => {
    if (selected() !== "") desk.lookAt({ symbol: selected(), rows: rowsWanted(), step: step(), centre: centre(), wantsDepth: wantsDepth() });
  });
  onCleanup(() => desk.lookAt(null));

  /** How wide the columns of own orders have to be: none of their texts is cut. */
  const ownLetters = (side: Side) => [...own()].reduce((most, [name, orders]) => (name.startsWith(side) ? Math.max(most, ownText(orders).length) : most), 0);
  const columns = createMemo(() => ({ "--own-bid": ownLetters("bid"), "--own-ask": ownLetters("ask") }));

  const measureBars = () => setBarPx(body.querySelector<HTMLElement>(".cell.bid")?.offsetWidth ?? 60);
  createEffect(() => {
    if (desk.rowCount() > 0) queueMicrotask(measureBars);
  });

  const middleRow = () => desk.row(Math.floor(desk.rowCount() / 2))().price;
  const scroll = (rows: number) => {
    const from = centre() ?? middleRow();
    if (from > 0) setCentre(Math.max(1, from - rows * step()));
  };
  const onWheel = (event: WheelEvent) => {
    event.preventDefault();
    scroll(Math.sign(event.deltaY) * Math.max(1, Math.round(Math.abs(event.deltaY) / 40)));
  };

  // A finger scrolls too; the page itself stays where it is.
  const onTouch = (event: PointerEvent) => {
    if (event.pointerType !== "touch" || (event.target as HTMLElement).closest(".chip") !== null) return;
    let from = event.clientY;
    const onMove = (moved: PointerEvent) => {
      const rows = Math.trunc((moved.clientY - from) / rowPx());
      if (rows === 0) return;
      from += rows * rowPx();
      scroll(-rows);
    };
    const end = () => {
      removeEventListener("pointermove", onMove);
      removeEventListener("pointerup", end);
      removeEventListener("pointercancel", end);
    };
    addEventListener("pointermove", onMove);
    addEventListener("pointerup", end);
    addEventListener("pointercancel", end);
  };

  const take = (side: Side, ticks: number) => {
    const found = instrument();
    if (found === undefined || ticks === 0) return;
    ticket.change({ side, kind: "limit", price: amountText(found, ticks).replace(/,/g, "") });
    if (ticket.clickPlaces()) void submitTicket(desk, trading, ticket, entry());
    else say(`${SIDE_WORD[side]} at ${price(ticks)} is in the ticket.`);
  };

  const move = (orders: readonly PlacedOrder[], to: number) => {
    for (const order of orders) if (order.price !== to && to > 0) void trading.move(order, to);
  };

  /** What the active cell stands for. */
  const onKey = (event: KeyboardEvent) => {
    const { row, column } = active();
    const name = COLUMNS[column];
    const found = desk.row(row)();
    const side: Side = name === "bid" || name === "own bid" ? "bid" : "ask";
    const orders = name === "own bid" || name === "own ask" ? (own().get(`${side} ${found.price}`) ?? []) : [];
    const go = (rows: number, columns: number) => {
      const next = row + rows;
      if (next < 0 || next >= desk.rowCount()) scroll(Math.sign(rows));
      setActive({ row: Math.min(desk.rowCount() - 1, Math.max(0, next)), column: Math.min(4, Math.max(0, column + columns)) });
      queueMicrotask(() => body.querySelector<HTMLElement>('[tabindex="0"]')?.focus());
    };
    switch (event.key) {
      case "ArrowUp":
      case "ArrowDown": {
        const rows = event.key === "ArrowUp" ? -1 : 1;
        if (event.altKey && orders.length > 0) move(orders, found.price - rows * step());
        go(rows, 0);
        break;
      }
      case "ArrowLeft":
        go(0, -1);
        break;
      case "ArrowRight":
        go(0, 1);
        break;
      case "PageUp":
        scroll(-rowsWanted());
        break;
      case "PageDown":
        scroll(rowsWanted());
        break;
      case "Home":
        setCentre(null);
        break;
      case "Enter":
      case " ":
        if (!event.repeat && (name === "bid" || name === "ask")) take(side, found.price); // a key that is held is one order
        break;
      case "Delete":
        for (const order of orders) void trading.cancel(order);
        break;
      default:
        return;
    }
    event.preventDefault();
  };

  // Dragging by pointer: the order goes where it is dropped; Escape, or dropping it outside, leaves it where it was.
  const priceAt = (y: number): number => {
    const { top } = body.getBoundingClientRect();
    return desk.row(Math.floor((y - top) / rowPx()))().price;
  };
  const startDrag = (event: PointerEvent, order: PlacedOrder) => {
    if (event.button !== 0) return;
    const chip = event.currentTarget as HTMLElement;
    chip.setPointerCapture(event.pointerId);
    const begin = event.clientY;
    const onMove = (moved: PointerEvent) => {
      if (drag() === null && Math.abs(moved.clientY - begin) < rowPx() / 2) return;
      setDrag({ order, price: priceAt(moved.clientY) });
    };
    const end = (isDropped: boolean) => {
      chip.removeEventListener("pointermove", onMove);
      chip.removeEventListener("pointerup", onUp);
      chip.removeEventListener("pointercancel", onCancel);
      removeEventListener("keydown", onEscape, true);
      const to = drag()?.price ?? 0;
      setDrag(null);
      if (isDropped && to > 0) move([order], to);
    };
    const onUp = () => end(true);
    const onCancel = () => end(false);
    const onEscape = (pressed: KeyboardEvent) => {
      if (pressed.key !== "Escape") return;
      pressed.stopPropagation();
      end(false);
    };
    chip.addEventListener("pointermove", onMove);
    chip.addEventListener("pointerup", onUp);
    chip.addEventListener("pointercancel", onCancel);
    addEventListener("keydown", onEscape, true);
  };

  return (
    <section class="panel ladder" aria-labelledby="ladder-title" classList={{ stale: !props.isTrusted }} style={columns()}>
      <header class="panel-head">
        <h2 id="ladder-title">Ladder</h2>
        <label class="inline"><input type="checkbox" checked={ticket.clickPlaces()} onChange={({ currentTarget }) => (ticket.isClickPlacing = currentTarget.checked)} /> Click places</label>
        <select aria-label="Ticks a row" value={step()} onChange={({ currentTarget }) => { setStep(Number(currentTarget.value)); setCentre(null); }}>
          <For each={STEPS}>{(size) => <option value={size}>{size === 1 ? "1 tick" : `${lotsText(size)} ticks`}</option>}</For>
        </select>
        <button type="button" class="small" disabled={centre() === null} onClick={() => setCentre(null)} title="Follow the market again (Home)">Centre</button>
      </header>
      <div class="ladder-head" aria-hidden="true"><span>mine</span><span>bid</span><span>price</span><span>ask</span><span>mine</span></div>
      <div ref={body} class="ladder-body" role="grid" aria-label={`Ladder of ${selected()}`} aria-rowcount={-1} onKeyDown={onKey} onPointerDown={onTouch}>
        <Index each={places()}>
          {(at) => (
            <Row
              at={at()} row={desk.row(at())} most={most} largest={largest} barPx={barPx} text={price} active={active} setActive={setActive}
              bids={() => own().get(`bid ${desk.row(at())().price}`)} asks={() => own().get(`ask ${desk.row(at())().price}`)}
              drag={drag} best={() => [desk.book()?.bestBid ?? 0, desk.book()?.bestAsk ?? 0]} last={() => entry().ticker()?.last ?? 0}
              onTake={take} onDrag={startDrag} onCancel={(order) => void trading.cancel(order)}
            />
          )}
        </Index>
        <Show when={desk.rowCount() === 0}>
          <p class="empty" role="row"><span role="gridcell">{desk.book() === null ? "The book has not come yet." : "There is no price yet: neither order nor trade."}</span></p>
        </Show>
      </div>
      <Show when={!props.isTrusted && desk.rowCount() > 0}><p class="stale-note">Not verified at present: prices may be old</p></Show>
    </section>
  );
}

interface RowProps {
  readonly at: number;
  readonly row: Accessor<LadderRow>;
  readonly most: Accessor<number>;
  readonly largest: Accessor<number>;
  /** The longest bar. */
  readonly barPx: Accessor<number>;
  readonly text: (ticks: number) => string;
  readonly active: Accessor<{ readonly row: number; readonly column: number }>;
  readonly setActive: (cell: { readonly row: number; readonly column: number }) => void;
  readonly bids: Accessor<readonly PlacedOrder[] | undefined>;
  readonly asks: Accessor<readonly PlacedOrder[] | undefined>;
  readonly drag: Accessor<Drag | null>;
  readonly best: Accessor<readonly [number, number]>;
  readonly last: Accessor<number>;
  readonly onTake: (side: Side, price: number) => void;
  readonly onDrag: (event: PointerEvent, order: PlacedOrder) => void;
  readonly onCancel: (order: PlacedOrder) => void;
}

function Row(props: RowProps): JSX.Element {
  const row = () => props.row();
  const tab = (column: number) => (props.active().row === props.at && props.active().column === column ? 0 : -1);
  const focus = (column: number) => () => props.setActive({ row: props.at, column });
  const bars = (lots: number, total: number) => ({ "--lots": `${Math.round((lots / props.largest()) * props.barPx())}px`, "--total": `${Math.round((total / props.most()) * props.barPx())}px` });
  const lots = (count: number) => (count === 0 ? "" : lotsText(count));
  const isTarget = () => props.drag()?.price === row().price;
  return (
    <div
      class="ladder-row" role="row"
      classList={{ "best-bid": row().price === props.best()[0], "best-ask": row().price === props.best()[1], "last-price": row().price === props.last(), target: isTarget() }}
    >
      <Own side="bid" orders={props.bids} tab={tab(0)} onFocus={focus(0)} {...props} />
      <span
        class="cell bid" role="gridcell" style={bars(row().bid, row().bidTotal)} tabindex={tab(1)} onFocus={focus(1)} onClick={({ detail }) => detail < 2 && props.onTake("bid", row().price)}
        aria-label={`Bid ${lotsText(row().bid)} lots at ${props.text(row().price)}, ${lotsText(row().bidTotal)} from the best`}
      >
        <b>{lots(row().bid)}</b>
      </span>
      <span class="cell price" role="gridcell" tabindex={tab(2)} onFocus={focus(2)}>{props.text(row().price)}</span>
      <span
        class="cell ask" role="gridcell" style={bars(row().ask, row().askTotal)} tabindex={tab(3)} onFocus={focus(3)} onClick={({ detail }) => detail < 2 && props.onTake("ask", row().price)}
        aria-label={`Ask ${lotsText(row().ask)} lots at ${props.text(row().price)}, ${lotsText(row().askTotal)} from the best`}
      >
        <b>{lots(row().ask)}</b>
      </span>
      <Own side="ask" orders={props.asks} tab={tab(4)} onFocus={focus(4)} {...props} />
    </div>
  );
}

function sumOf(orders: readonly PlacedOrder[]): number {
  return orders.reduce((total, { remaining }) => total + remaining, 0);
}

/** Lots before the first of them at most; null if that is not known. */
function aheadOf(orders: readonly PlacedOrder[]): number | null {
  const known = orders.flatMap(({ ahead }) => ahead ?? []);
  return known.length === 0 ? null : Math.min(...known);
}

/** All that a chip says. */
function ownText(orders: readonly PlacedOrder[]): string {
  const ahead = aheadOf(orders);
  return `${lotsText(sumOf(orders))}${ahead === null ? "" : placeMark(ahead)}`;
}

/** One's own orders at a price: how many lots, and how many stand before them at most. */
function Own(props: RowProps & { readonly side: Side; readonly orders: Accessor<readonly PlacedOrder[] | undefined>; readonly tab: number; readonly onFocus: () => void }): JSX.Element {
  const orders = () => props.orders() ?? [];
  const sum = () => sumOf(orders());
  const ahead = () => aheadOf(orders());
  const label = () => {
    if (orders().length === 0) return `No order of yours at ${props.text(props.row().price)}`;
    const it = orders().length === 1 ? "it" : "the first of them";
    const place = ahead() === null ? `the place of ${it} is not known yet` : ahead() === 0 ? `${it} is first in the queue` : `at most ${lotsText(ahead() ?? 0)} lots before ${it}`;
    return `Yours: ${SIDE_WORD[props.side]} ${lotsText(sum())} at ${props.text(props.row().price)}, ${place}. Alt and arrows move it, Delete cancels it.`;
  };
  const isDragged = () => orders().some(({ order_id }) => order_id === props.drag()?.order.order_id);
  return (
    <span class="cell own" data-side={props.side} role="gridcell" tabindex={props.tab} onFocus={props.onFocus} aria-label={label()}>
      <Show when={orders()[0]}>
        {(first) => (
          <span class="chip" classList={{ dragged: isDragged() }} title={label()} onPointerDown={(event) => props.onDrag(event, first())} onDblClick={() => orders().forEach(props.onCancel)}>
            {lotsText(sum())}<Show when={ahead() !== null}><small>{placeMark(ahead() ?? 0)}</small></Show>
          </span>
        )}
      </Show>
    </span>
  );
}
