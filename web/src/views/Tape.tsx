/** Time and sales: every trade, the newest first. */

import { Show } from "solid-js";
import type { Accessor, JSX } from "solid-js";

import { useShared } from "../app/context.js";
import { lotsText, NONE, priceText } from "../model/money.js";
import { preciseText } from "../model/times.js";
import type { TapeEntry } from "../worker/protocol.js";
import { Icon } from "./icons.jsx";
import type { IconName } from "./icons.jsx";
import { Rows } from "./Rows.jsx";
import type { Column } from "./Rows.jsx";

/** The side that came and took; in an auction both waited. Sign, colour and name say the same. */
const AGGRESSOR: Readonly<Record<string, readonly [sign: IconName, word: string]>> = { bid: ["up", "bought"], ask: ["down", "sold"], none: ["diamond", "auction"] };

export function Tape(props: { readonly isTrusted: boolean }): JSX.Element {
  const { desk, entry, settings } = useShared();
  const price = (row: TapeEntry) => {
    const instrument = entry().instrument();
    return row.type === "missed" || instrument === undefined ? NONE : priceText(instrument, row.price);
  };
  const side = (row: TapeEntry) => (row.type === "missed" ? "" : row.aggressor_side);
  const columns: readonly Column<TapeEntry>[] = [
    { name: "Time", width: "minmax(6.6rem, 1.3fr)", cell: (row) => <Time row={row} zone={settings.zone} /> },
    { name: "Price", width: "minmax(4rem, 1fr)", isNumber: true, cell: (row) => <span data-side={side(row())} class="tape-price">{price(row())}</span> },
    { name: "Lots", width: "minmax(3.2rem, 0.8fr)", isNumber: true, cell: (row) => ((found) => (found.type === "missed" ? "" : lotsText(found.quantity)))(row()) },
    {
      name: "Side", isNameless: true, width: "1.1rem",
      cell: (row) => <span data-side={side(row())} class="tape-side" title={AGGRESSOR[side(row())]?.[1]}><Show when={AGGRESSOR[side(row())]}>{(found) => <Icon name={found()[0]} />}</Show><span class="hidden">{AGGRESSOR[side(row())]?.[1]}</span></span>,
    },
  ];
  const count = () => (desk.tapeVersion(), desk.tape.size);
  return (
    <section class="panel tape" aria-labelledby="tape-title">
      <header class="panel-head"><h2 id="tape-title">Time and sales</h2></header>
      <Rows label="Time and sales" columns={columns} count={count()} version={desk.tapeVersion()} at={(place) => desk.tape.at(desk.tape.size - 1 - place)} empty="Nothing has traded yet." isStale={!props.isTrusted} />
    </section>
  );
}

function Time(props: { readonly row: Accessor<TapeEntry>; readonly zone: string | null }): JSX.Element {
  const time = () => ((row) => (row.type === "missed" ? 0 : row.time))(props.row());
  return (
    <span class="tape-time" title={props.zone === null || time() === 0 ? "" : `${preciseText(time(), props.zone)} at the exchange`}>
      {((row) => (row.type === "missed" ? row.text : preciseText(row.time)))(props.row())}
    </span>
  );
}
