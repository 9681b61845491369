/** Where orders are made: the ticket, and for whom may the quote of both sides, and an option's exercise. */

import { createMemo, createSignal, Show } from "solid-js";
import type { JSX } from "solid-js";

import { useShared } from "../app/context.js";
import { hasRole } from "../app/login.js";
import { isExercised } from "../model/exercise.js";
import { ExerciseForm } from "./ExerciseForm.jsx";
import { QuoteForm } from "./QuoteForm.jsx";
import { Tabs } from "./Tabs.jsx";
import type { Tab } from "./Tabs.jsx";
import { Ticket } from "./Ticket.jsx";

const TICKET: Tab = { name: "order", title: "Order ticket", view: () => <Ticket /> };
const QUOTE: Tab = { name: "quote", title: "Quote", view: () => <QuoteForm /> };
const EXERCISE: Tab = { name: "exercise", title: "Exercise", view: () => <ExerciseForm /> };

export function OrderPanel(): JSX.Element {
  const { entry } = useShared();
  const [chosen, setChosen] = createSignal("order");
  const mayQuote = hasRole("market_maker");
  const mayExercise = createMemo(() => isExercised(entry().instrument()));
  const tabs = createMemo(() => [TICKET, ...(mayQuote ? [QUOTE] : []), ...(mayExercise() ? [EXERCISE] : [])]);
  return (
    <Show
      when={tabs().length > 1}
      fallback={
        <section class="panel ticket" aria-labelledby="ticket-title">
          <header class="panel-head"><h2 id="ticket-title">Order ticket</h2><span class="quiet">{entry().symbol}</span></header>
          <Ticket />
        </section>
      }
    >
      <Tabs class="ticket" label="Orders of this instrument" tabs={tabs()} chosen={chosen()} onChoose={setChosen} />
    </Show>
  );
}
