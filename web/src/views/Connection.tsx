/** How the connection stands, always in view: a sign, a word, and what is behind it. */

import { createMemo, Show } from "solid-js";
import type { Accessor, JSX } from "solid-js";

import { useShared } from "../app/context.js";
import type { Desk } from "../app/desk.js";
import { connectionWords, replicaOf } from "../model/connectionWords.js";
import type { Words } from "../model/connectionWords.js";
import { delayText } from "../model/delays.js";
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

/** How far off this computer's clock is, in words; empty if it is right. */
export function clockWarning(aheadMs: number | null): string {
  if (aheadMs === null || Math.abs(aheadMs) < CLOCK_ERROR_MS) return "";
  const seconds = Math.round(Math.abs(aheadMs) / 1_000);
  const size = seconds < 120 ? `${seconds} s` : seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
  return `This computer's clock is ${size} ${aheadMs > 0 ? "ahead" : "behind"}; times here are the exchange's.`;
}

export function Connection(props: { readonly words: Accessor<Words>; readonly onAsk: () => void }): JSX.Element {
  const { desk } = useShared();
  const delay = () => desk.connection().delay;
  const phase = () => desk.connection().link.phase;
  const isWaiting = () => phase() === "reconnecting";
  const replica = () => replicaOf(desk.connection().session) || desk.connection().session;
  return (
    <div class="connection" data-tone={props.words().tone}>
      <button type="button" class="plain" aria-haspopup="dialog" title="About the connection" onClick={props.onAsk}>
        <span class="sign"><Icon name={props.words().tone} /></span>
        <strong class="word">{props.words().word}</strong>
      </button>
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
      <Show when={replica() !== ""}>
        <span class="replica" data-session={desk.connection().session} title={`${phase() === "live" ? "Connected to" : "Last connected to"} the replica ${replica()}. This connection's name in its log is ${desk.connection().session}.`}>
          <span class="label">{phase() === "live" ? "replica" : "was on"}</span> {replica()}
        </span>
      </Show>
    </div>
  );
}
