/** How the connection stands, always in view: a sign, a word, and what is behind it. */

import { createMemo, Show } from "solid-js";
import type { Accessor, JSX } from "solid-js";

import { useShared } from "../app/context.js";
import type { Desk } from "../app/desk.js";
import { connectionWords } from "../model/connectionWords.js";
import type { Words } from "../model/connectionWords.js";
import { lotsText } from "../model/money.js";
import { CLOCK_ERROR_MS } from "../model/serverClock.js";
import { Icon } from "./icons.jsx";

/** What is to be said of the connection now. */
export function standing(desk: Desk): Accessor<Words> {
  return createMemo(
    () => {
      const { link, feed, delay } = desk.connection();
      const look = desk.look();
      const book = desk.book();
      const isShown = look !== null && book !== null;
      return connectionWords({
        link, feed, stale: look === null ? undefined : isShown ? book.stale : "joining", symbol: look?.symbol ?? "", seq: book?.seq ?? 0,
        delayMs: delay?.now ?? null, isAsleep: desk.isAsleep(),
      });
    },
    undefined,
    { equals: (one, other) => one.word === other.word && one.detail === other.detail && one.tone === other.tone },
  );
}

/** Milliseconds for people: "4 ms", "1.2 s". */
export function delayText(ms: number): string {
  return ms < 1_000 ? `${ms < 9.5 ? ms.toFixed(1) : Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

/** How far off this computer's clock is, in words; empty if it is right. */
export function clockWarning(aheadMs: number | null): string {
  if (aheadMs === null || Math.abs(aheadMs) < CLOCK_ERROR_MS) return "";
  const seconds = Math.round(Math.abs(aheadMs) / 1_000);
  const size = seconds < 120 ? `${seconds} s` : seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
  return `This computer's clock is ${size} ${aheadMs > 0 ? "ahead" : "behind"}; times here are the exchange's.`;
}

export function Connection(props: { readonly words: Accessor<Words> }): JSX.Element {
  const { desk } = useShared();
  const delay = () => desk.connection().delay;
  const isWaiting = () => desk.connection().link.phase === "reconnecting";
  return (
    <div class="connection" data-tone={props.words().tone}>
      <span class="sign"><Icon name={props.words().tone} /></span>
      <strong class="word">{props.words().word}</strong>
      <span class="detail">{props.words().detail}</span>
      <Show when={isWaiting()}>
        <button type="button" class="small" onClick={() => desk.hurry()}>Try now</button>
      </Show>
      <Show when={delay()}>
        {(found) => (
          <span class="delay" title={`Time from the engine to this page. 99 of 100 of the last ${lotsText(found().count)} changes came within ${delayText(found().p99)}.`}>
            <span class="label">delay</span> {delayText(found().now)} <span class="label">p99</span> {delayText(found().p99)}
          </span>
        )}
      </Show>
      <Show when={desk.connection().session !== ""}>
        <span class="replica" title={`This connection's name in its replica's log, at ${desk.connection().url}`}>
          <span class="label">session</span> {desk.connection().session}
        </span>
      </Show>
    </div>
  );
}
