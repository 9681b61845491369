/** Exercising an option: what it is a right to, what changes hands, and two presses, since nobody can take it back. */

import { createEffect, createSignal, on, Show } from "solid-js";
import type { JSX } from "solid-js";

import { useShared } from "../app/context.js";
import { NamedRequest } from "../app/namedRequest.js";
import { AT_EXPIRY, exchangeWords, isExercisedAnyTime, rightWords } from "../model/exercise.js";
import { lotsText } from "../model/money.js";
import { momentText } from "../model/times.js";
import { Field, Sure } from "./OfficeParts.jsx";
import { Outcome } from "./QuoteForm.jsx";

export function ExerciseForm(): JSX.Element {
  const { desk, entry, selected, settings } = useShared();
  const request = new NamedRequest();
  const [typed, setTyped] = createSignal("");
  createEffect(on(selected, () => (setTyped(""), request.change()), { defer: true }));
  const underlying = () => desk.entry(entry().instrument()?.option?.underlying ?? "").instrument();
  const lots = () => (/^[1-9]\d{0,9}$/.test(typed().trim()) ? Number(typed().trim()) : 0);
  const held = () => desk.account().holdings[selected()]?.lots ?? desk.account().positions[selected()] ?? 0;
  const end = () => (entry().instrument()?.option?.expires_at ?? 0);
  const words = () => ((instrument) => (instrument === undefined ? "" : exchangeWords(instrument, underlying(), lots())))(entry().instrument());
  const send = () => {
    const instrument = selected();
    if (lots() === 0) return request.wrong("Lots are a whole number, from 1.");
    const count = lots();
    void request.send(performance.now(), `Exercise ${lotsText(count)} ${instrument}`, (exercise_id) => desk.ask({ op: "exercise", exercise_id, instrument, lots: count })).then((isDone) => isDone && setTyped(""));
  };
  return (
    <Show when={entry().instrument()}>
      {(instrument) => (
        <form class="ticket-form scroll" aria-label="Exercise" onSubmit={(event) => event.preventDefault()} noValidate>
          <p>{rightWords(instrument(), underlying())}.</p>
          <dl class="summary">
            <dt>You hold</dt><dd>{lotsText(held())} lots</dd>
            <dt>Ends</dt><dd>{momentText(end())}{settings.zone === null ? "" : ` (${momentText(end(), settings.zone)} at the exchange)`}</dd>
            <dt>At its end</dt><dd>{AT_EXPIRY[instrument().option?.at_expiry ?? "cash"] ?? instrument().option?.at_expiry}</dd>
          </dl>
          <Show when={isExercisedAnyTime(instrument())} fallback={<p class="note warn">It is exercised at its end only.</p>}>
            <Field label="Lots to exercise" value={typed()} onInput={(text) => { if (request.state() !== "sent") { request.change(); setTyped(text); } }} />
            <p class="quiet">{words() === "" ? "It is no trade: it goes on while the instrument is halted. Nobody can take it back." : `You ${words()}. Nobody can take it back.`}</p>
            <Sure class="send exercise" disabled={lots() === 0 || desk.connection().link.phase !== "live" || request.state() === "sent"} onSure={send}>
              {request.state() === "sent" ? "Sent, waiting for the exchange" : request.state() === "unknown" ? "Send it again (safe)" : `Exercise ${lots() === 0 ? "" : lotsText(lots())} ${selected()}`}
            </Sure>
          </Show>
          <Outcome request={request} />
        </form>
      )}
    </Show>
  );
}
