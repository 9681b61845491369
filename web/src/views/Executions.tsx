/** What happened to the user's orders: live, and from the record what was before. Up to 10,000 rows, of which those in sight are drawn. */

import { createMemo, createResource, Show } from "solid-js";
import type { JSX } from "solid-js";

import { useShared } from "../app/context.js";
import { SIDE_WORD } from "../app/trading.js";
import { NOTHING_YET } from "../model/executionOrder.js";
import { countSince, eventWord, liveRow, mergedRows, reasonWords, recordedRow } from "../model/executionRows.js";
import type { ExecutionRow } from "../model/executionRows.js";
import { lotsText, MINUS, priceText } from "../model/money.js";
import { momentText, preciseText } from "../model/times.js";
import { Rows } from "./Rows.jsx";
import type { Column } from "./Rows.jsx";

/** Rows asked of the record at first. */
const RECORDED = 1_000;

export function Executions(): JSX.Element {
  const { desk, ledger, settings, showReceipt } = useShared();
  /** Asked for each connection: what happened while there was none was not heard live. */
  const connection = createMemo(() => ((found) => (found.user === "" || found.session === "" ? null : `${found.user} ${found.session}`))(desk.connection()));
  const [recorded] = createResource(connection, async (asked): Promise<readonly ExecutionRow[]> => {
    const heard = () => desk.executions.newest(desk.executions.limit).map(liveRow);
    if (!ledger.isThere) return heard();
    try {
      const { rows } = await ledger.page("executions", { user: asked.split(" ")[0] ?? "", order: "desc", limit: RECORDED });
      return mergedRows(rows.flatMap((row) => recordedRow(row) ?? []), heard(), desk.executions.limit);
    } catch {
      return heard(); // the ledger's trouble is told below
    }
  });
  const before = () => recorded.latest ?? [];
  /** How many have come live since. */
  const live = createMemo(() => {
    desk.executionsVersion();
    return countSince(desk.executions, before()[0] ?? NOTHING_YET);
  });
  const at = (place: number): ExecutionRow | undefined => {
    const found = place < live() ? desk.executions.at(desk.executions.size - 1 - place) : undefined;
    return found === undefined ? before()[place - live()] : liveRow(found);
  };
  const price = ({ instrument, price: ticks }: ExecutionRow) => {
    const found = desk.entry(instrument).instrument();
    return found === undefined || ticks === 0 ? "" : priceText(found, ticks);
  };
  const columns: readonly Column<ExecutionRow>[] = [
    { name: "Time", width: "minmax(6.8rem, 1fr)", cell: (row) => <span title={`${momentText(row().time)}${settings.zone === null ? "" : `; ${momentText(row().time, settings.zone)} at the exchange`}`}>{preciseText(row().time)}</span> },
    { name: "Event", width: "minmax(4.8rem, 0.8fr)", cell: (row) => <span class="event" data-event={row().event}>{eventWord(row().event)}</span> },
    { name: "Instrument", width: "minmax(5rem, 1fr)", cell: (row) => row().instrument },
    { name: "Side", width: "2.4rem", cell: (row) => ((side) => <span class="side-word" data-side={side}>{side === "" ? "" : SIDE_WORD[side]}</span>)(row().side) },
    { name: "Lots", width: "minmax(3rem, 0.6fr)", isNumber: true, cell: (row) => (row().amount === "" ? lotsText(row().lots) : row().amount.replace("-", MINUS)) },
    { name: "Price", width: "minmax(4.9rem, 0.8fr)", isNumber: true, cell: (row) => price(row()) },
    { name: "Left", width: "minmax(2.6rem, 0.5fr)", isNumber: true, cell: (row) => (row().orderId === 0 ? "" : lotsText(row().remaining)) },
    { name: "Why, how", width: "minmax(5.5rem, 1.4fr)", cell: (row) => <span title={row().reason}>{reasonWords(row().reason) || row().liquidity}</span> },
    {
      name: "Order", width: "minmax(4.2rem, 0.8fr)",
      cell: (row) => (
        <Show when={row().orderId > 0} fallback="">
          <button type="button" class="link" disabled={!ledger.isThere} title={ledger.isThere ? "Its receipt: downloaded and verified here" : "Without a record there are no receipts"} onClick={() => showReceipt(row().orderId)}>{row().orderId}</button>
        </Show>
      ),
    },
  ];
  return (
    <>
      <Show when={ledger.trouble() !== ""}><p class="strip warn">{ledger.trouble()}</p></Show>
      <Rows label="Executions" width="43rem" columns={columns} count={live() + before().length} version={`${live()} ${before().length} ${desk.executions.last?.user_seq}`} at={at} empty="Nothing has happened to orders of yours." isStale={desk.account().stale} />
    </>
  );
}
