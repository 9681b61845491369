/** An order's receipt: fetched from the record, verified here by the page's own code, and kept as a file. */

import type { ProvenReceipt } from "openoutcry/proofs";
import { createResource, createSignal, For, onCleanup, onMount, Show } from "solid-js";
import type { JSX } from "solid-js";

import { useShared } from "../app/context.js";
import { remember, remembered } from "../app/preferences.js";
import { eventWord, reasonWords } from "../model/executionRows.js";
import { lotsText, priceText } from "../model/money.js";
import { momentText } from "../model/times.js";
import { Icon } from "./icons.jsx";

const KEY_NAME = "ledger-key";
/** Executions of one receipt at most; further ones are in another. */
const RECEIPT_MAX = 500;

interface Verified {
  readonly file: string;
  /** Null if it does not hold; then `why` says what. */
  readonly proven: ProvenReceipt | null;
  readonly why: string;
  /** Whether the key is the one that this browser has seen first. */
  readonly key: "first" | "same" | "other";
}

export function Receipt(props: { readonly orderId: number; readonly onClose: () => void }): JSX.Element {
  const { ledger, desk } = useShared();
  let dialog!: HTMLDialogElement;
  const [trouble, setTrouble] = createSignal("");
  const [verified] = createResource(
    () => props.orderId,
    async (orderId): Promise<Verified | undefined> => {
      try {
        const [{ readKeys, verifyReceipt, NotProven }, file, keys] = await Promise.all([import("openoutcry/proofs"), ledger.file(`receipts/${orderId}`), ledger.file("ledger/keys")]);
        try {
          const proven = verifyReceipt(file, readKeys(keys));
          const known = remembered(KEY_NAME);
          if (known === null) remember(KEY_NAME, proven.keyId);
          return { file, proven, why: "", key: known === null ? "first" : known === proven.keyId ? "same" : "other" };
        } catch (error) {
          if (!(error instanceof NotProven)) throw error;
          return { file, proven: null, why: error.message, key: "same" };
        }
      } catch (error) {
        setTrouble(error instanceof Error ? error.message : String(error));
        return undefined;
      }
    },
  );
  onMount(() => dialog.showModal());
  onCleanup(() => dialog.close());

  const save = (file: string) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([file], { type: "application/json" }));
    link.download = `receipt-${props.orderId}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };
  const line = (fields: ProvenReceipt["executions"][number]["fields"]) => {
    const instrument = desk.entry(String(fields["instrument"])).instrument();
    const isFill = fields["event"] === "filled";
    const [ticks, lots] = [Number(fields[isFill ? "fill_price" : "price"]), Number(fields[isFill ? "fill_quantity" : "quantity"])];
    const price = instrument === undefined ? `${ticks} ticks` : priceText(instrument, ticks);
    const reason = reasonWords(String(fields["reason"] ?? ""));
    return { time: momentText(Number(fields["time"])), words: `${eventWord(String(fields["event"]))}: ${lotsText(lots)} lots${ticks > 0 ? ` at ${price}` : ""}${reason === "" ? "" : `, ${reason}`}` };
  };

  return (
    <dialog ref={dialog} class="dialog panel" aria-labelledby="receipt-title" onClose={props.onClose} onClick={(event) => event.target === dialog && props.onClose()}>
      <header class="panel-head"><h2 id="receipt-title">Receipt of order {props.orderId}</h2><button type="button" class="icon" aria-label="Close" onClick={props.onClose}><Icon name="close" /></button></header>
      <div class="dialog-body scroll">
        <Show when={trouble() !== ""}><p class="note bad" role="alert">{trouble()}</p></Show>
        <Show when={verified.loading}><p class="quiet" role="status">It is fetched and verified.</p></Show>
        <Show when={verified()}>
          {(found) => (
            <>
              <Show when={found().proven} fallback={<p class="note bad" role="alert"><strong><Icon name="bad" /> Not proven.</strong> {found().why}</p>}>
                {(proven) => (
                  <>
                    <p class="note good" role="status"><strong><Icon name="good" /> Proven.</strong> These executions stand in the record that the ledger has signed. This page has computed it itself; without the ledger's private key nobody can have made it.</p>
                    <Show when={found().key === "other"}><p class="note bad" role="alert"><strong>Another key.</strong> Earlier receipts here were signed by {remembered(KEY_NAME)}. Ask the operator whether the key was changed.</p></Show>
                    <ol class="receipt">
                      <For each={proven().executions}>
                        {({ fields, block, number }) => (
                          <li><span class="quiet">{line(fields).time}</span> <span>{line(fields).words}</span> <span class="quiet">block {String(block.number)}, leaf {number}</span></li>
                        )}
                      </For>
                    </ol>
                    <Show when={proven().executions.length >= RECEIPT_MAX}><p class="quiet">A receipt has up to {RECEIPT_MAX} executions; this order may have more.</p></Show>
                    <dl class="summary">
                      <dt>Signed by key</dt><dd><code>{proven().keyId}</code></dd>
                      <dt>Record</dt><dd>{proven().head.product}, {lotsText(Number(proven().head.number))} blocks</dd>
                      <dt>Up to</dt><dd>{momentText(Number(proven().head.time))}</dd>
                    </dl>
                    <p class="quiet small">The key came from the ledger itself{found().key === "first" ? ", and is remembered here from now on" : ""}. Compare it with the one that the company publishes elsewhere. Not proven: that these are all executions of the order, and that the clock was right.</p>
                  </>
                )}
              </Show>
              <button type="button" onClick={() => save(found().file)}>Save the file</button>
            </>
          )}
        </Show>
      </div>
    </dialog>
  );
}
