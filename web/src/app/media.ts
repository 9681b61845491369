/** Whether a media query holds, as a signal. */

import { createSignal, onCleanup } from "solid-js";
import type { Accessor } from "solid-js";

/** Screens on which one view is shown at a time. */
export const PHONE = "(max-width: 859px)";
/** Screens with room for charts side by side. */
export const VAST = "(min-width: 2200px)";

export function media(query: string): Accessor<boolean> {
  const list = matchMedia(query);
  const [holds, setHolds] = createSignal(list.matches);
  const onChange = () => setHolds(list.matches);
  list.addEventListener("change", onChange);
  onCleanup(() => list.removeEventListener("change", onChange));
  return holds;
}
