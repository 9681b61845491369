/** Views of which one is shown: by mouse, by arrows, by name to a screen reader. */

import { createUniqueId, For, Show } from "solid-js";
import type { JSX } from "solid-js";

export interface Tab {
  readonly name: string;
  readonly title: string;
  readonly count?: () => number;
  readonly view: () => JSX.Element;
}

export function Tabs(props: { readonly label: string; readonly tabs: readonly Tab[]; readonly chosen: string; readonly onChoose: (name: string) => void; readonly class?: string; readonly extra?: JSX.Element }): JSX.Element {
  const id = createUniqueId();
  const chosen = () => props.tabs.find(({ name }) => name === props.chosen) ?? (props.tabs[0] as Tab);
  const onKey = (event: KeyboardEvent) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const next = props.tabs[(props.tabs.indexOf(chosen()) + step + props.tabs.length) % props.tabs.length] as Tab;
    props.onChoose(next.name);
    document.getElementById(`${id}-${next.name}`)?.focus();
  };
  return (
    <section class={`panel tabbed ${props.class ?? ""}`} aria-label={props.label}>
      <div class="panel-head tab-head">
        <div class="tabs" role="tablist" aria-label={props.label} onKeyDown={onKey}>
          <For each={props.tabs}>
            {(tab) => (
              <button
                type="button" role="tab" id={`${id}-${tab.name}`} aria-selected={chosen() === tab} aria-controls={`${id}-panel`} tabindex={chosen() === tab ? 0 : -1}
                onClick={() => props.onChoose(tab.name)}
              >
                {tab.title}<Show when={(tab.count?.() ?? 0) > 0}> <span class="count">{tab.count?.()}</span></Show>
              </button>
            )}
          </For>
        </div>
        {props.extra}
      </div>
      <div class="tab-view" role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${chosen().name}`}>
        <Show when={chosen()} keyed>{(tab) => tab.view()}</Show>
      </div>
    </section>
  );
}
