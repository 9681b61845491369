/** A long list of which only the rows in sight are drawn. */

import { createMemo, createSignal, For, Index, onCleanup, onMount, Show } from "solid-js";
import type { Accessor, JSX } from "solid-js";

import { partInSight } from "../model/windowed.js";

export interface Column<T> {
  readonly name: string;
  /** Width, as CSS grid has it. */
  readonly width: string;
  readonly isNumber?: boolean;
  /** Whether only screen readers need the name. */
  readonly isNameless?: boolean;
  readonly cell: (row: Accessor<T>) => JSX.Element;
}

/** Of a row: in root letters. */
const ROW_REM = 2;

export function Rows<T>(props: {
  readonly label: string;
  readonly columns: readonly Column<T>[];
  readonly count: number;
  /** The row at a place, from 0, the first on the screen; read again whenever `version` changes. */
  readonly at: (place: number) => T | undefined;
  readonly version: unknown;
  readonly empty: string;
  /** Narrower it is never: what is beyond the edge is scrolled to. */
  readonly width?: string;
  readonly isStale?: boolean;
}): JSX.Element {
  let body!: HTMLDivElement;
  const [scrolled, setScrolled] = createSignal(0);
  const [height, setHeight] = createSignal(0);
  const [rowPx, setRowPx] = createSignal(26);
  onMount(() => {
    const observer = new ResizeObserver(([found]) => {
      setRowPx(Math.round(ROW_REM * parseFloat(getComputedStyle(document.documentElement).fontSize)));
      setHeight(found?.contentRect.height ?? 0);
    });
    observer.observe(body);
    onCleanup(() => observer.disconnect());
  });
  const part = createMemo(() => partInSight(scrolled(), height(), rowPx(), props.count), undefined, {
    equals: (one, other) => one.first === other.first && one.end === other.end,
  });
  const rows = createMemo(() => {
    void props.version;
    const { first, end } = part();
    return Array.from({ length: end - first }, (_, at) => props.at(first + at) as T);
  });
  const columns = () => props.columns.map(({ width }) => width).join(" ");
  return (
    <div class="rows" role="table" tabindex={props.count > 0 ? undefined : 0} aria-label={props.label} aria-rowcount={props.count + 1} classList={{ stale: props.isStale === true }} style={{ "--columns": columns(), "--list-row": `${rowPx()}px`, "--rows-width": props.width ?? "0" }}>
      <div role="rowgroup">
        <div class="rows-head" role="row" aria-rowindex={1}><For each={props.columns}>{(column) => <span role="columnheader" classList={{ n: column.isNumber === true }}><span classList={{ hidden: column.isNameless === true }}>{column.name}</span></span>}</For></div>
      </div>
      <div ref={body} class="rows-body scroll" role={props.count > 0 ? "rowgroup" : undefined} tabindex={props.count > 0 ? 0 : undefined} onScroll={({ currentTarget }) => setScrolled(currentTarget.scrollTop)}>
        <div class="rows-all" role="presentation" style={{ height: `${props.count * rowPx()}px` }}>
          <div class="rows-part" role="presentation" style={{ transform: `translateY(${part().first * rowPx()}px)` }}>
            <Index each={rows()}>
              {(row, at) => (
                <div class="rows-row" role="row" aria-rowindex={part().first + at + 2}>
                  <For each={props.columns}>{(column) => <span role="cell" classList={{ n: column.isNumber === true }}>{column.cell(row)}</span>}</For>
                </div>
              )}
            </Index>
          </div>
        </div>
      </div>
      <Show when={props.count === 0}><p class="empty">{props.empty}</p></Show>
    </div>
  );
}
