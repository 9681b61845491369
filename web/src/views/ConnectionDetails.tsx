/** All that is known of the connection, for who wants to know, or is asked by those who help. */

import { onCleanup, onMount, Show } from "solid-js";
import type { Accessor, JSX } from "solid-js";

import { useShared } from "../app/context.js";
import { replicaOf } from "../model/connectionWords.js";
import type { Words } from "../model/connectionWords.js";
import { delayText } from "../model/delays.js";
import { lotsText, NONE } from "../model/money.js";
import { Icon } from "./icons.jsx";

export function ConnectionDetails(props: { readonly words: Accessor<Words>; readonly onClose: () => void }): JSX.Element {
  const { desk } = useShared();
  let dialog!: HTMLDialogElement;
  onMount(() => dialog.showModal());
  onCleanup(() => dialog.close());
  const connection = desk.connection;
  const digest = () => ((book) => (book === null ? NONE : book.digest.toString(16).padStart(8, "0")))(desk.book());
  return (
    <dialog ref={dialog} class="dialog panel" aria-labelledby="connection-title" onClose={props.onClose} onClick={(event) => event.target === dialog && props.onClose()}>
      <header class="panel-head"><h2 id="connection-title">Connection</h2><button type="button" class="icon" aria-label="Close" onClick={props.onClose}><Icon name="close" /></button></header>
      <div class="dialog-body scroll">
        <dl class="help">
          <dt>State</dt><dd>{props.words().word}{props.words().detail === "" ? "" : `: ${props.words().detail}`}</dd>
          <dt>Replica</dt><dd>{replicaOf(connection().session) || NONE}</dd>
          <dt>Session</dt><dd>{connection().session || NONE}</dd>
          <dt>Address</dt><dd>{connection().url || NONE}</dd>
          <dt>User</dt><dd>{connection().user || NONE}</dd>
          <dt>Digest of the book</dt><dd>{digest()}</dd>
          <dt>Verified</dt><dd>{lotsText(connection().verified)} states and changes since the page began</dd>
          <dt>Gaps, wrong digests</dt><dd>{lotsText(connection().gaps)}, {lotsText(connection().corruptions)}; each repaired by a new state</dd>
          <dt>Delay</dt>
          <dd>
            <Show when={connection().delay} fallback="no change in the last minute">
              {(delay) => `${delayText(delay().now)}; 99 of 100 of the last ${lotsText(delay().count)} changes came within ${delayText(delay().p99)}`}
            </Show>
          </dd>
        </dl>
      </div>
    </dialog>
  );
}
