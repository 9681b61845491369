/** What the signs and keys mean. */

import { For, onCleanup, onMount } from "solid-js";
import type { JSX } from "solid-js";

import { CANCEL_ALL_KEY } from "../app/keys.js";
import { Icon } from "./icons.jsx";

const KEYS: readonly (readonly [string, string])[] = [
  [CANCEL_ALL_KEY, "cancels all your open orders, wherever you are"],
  ["Arrows in the ladder", "go from price to price, and from side to side"],
  ["Enter in the ladder", "takes this price and side into the ticket, or places the order if \u201cClick places\u201d is on"],
  ["Alt with \u2191 or \u2193 on an order of yours", "moves it by a row; by mouse it is dragged"],
  ["Delete on an order of yours", "cancels it"],
  ["Page up, page down, Home", "look further up or down, and follow the market again"],
  ["\u2191 and \u2193 in price and quantity", "one step more or less; with Shift ten"],
  ["\u2191 and \u2193 in the list", "go to the next instrument"],
];

const WORDS: readonly (readonly [string, string])[] = [
  ["Live and verified", "Each change of the book came in order, and its digest is the exchange\u2019s: this is the exchange\u2019s own book at that number."],
  ["Lagging", "Verified, but a second old or more."],
  ["Stale, Reconnecting", "What is greyed may be old. Do not trade on it. The page comes back by itself."],
  ["\u2264 35", "At most so many lots stand before your order at its price. The exchange publishes lots, not orders: fewer may be, more cannot."],
  ["1st", "Nobody stands before it."],
];

export function Help(props: { readonly onClose: () => void }): JSX.Element {
  let dialog!: HTMLDialogElement;
  onMount(() => dialog.showModal());
  onCleanup(() => dialog.close());
  const list = (rows: readonly (readonly [string, string])[]) => (
    <dl class="help"><For each={rows}>{([name, meaning]) => <><dt>{name}</dt><dd>{meaning}</dd></>}</For></dl>
  );
  return (
    <dialog ref={dialog} class="dialog panel" aria-labelledby="help-title" onClose={props.onClose} onClick={(event) => event.target === dialog && props.onClose()}>
      <header class="panel-head"><h2 id="help-title">Keys and words</h2><button type="button" class="icon" aria-label="Close" onClick={props.onClose}><Icon name="close" /></button></header>
      <div class="dialog-body scroll">{list(KEYS)}<h3>What the page says</h3>{list(WORDS)}</div>
    </dialog>
  );
}
