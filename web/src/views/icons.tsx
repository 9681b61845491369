/** Signs as drawings: letters that stand for signs are read aloud, and differ from font to font. */

import type { JSX } from "solid-js";

const PATHS = {
  good: "M4 8.5l3 3 5.5-6.5",
  warn: "M8 3.5v5.5M8 12v.6",
  bad: "M4.5 4.5l7 7M11.5 4.5l-7 7",
  close: "M4 4l8 8M12 4l-8 8",
  plus: "M8 3.5v9M3.5 8h9",
  minus: "M3.5 8h9",
  sun: "M8 5.2a2.8 2.8 0 1 0 0 5.6a2.8 2.8 0 0 0 0-5.6M8 1.5v1.4M8 13.1v1.4M1.5 8h1.4M13.1 8h1.4M3.4 3.4l1 1M11.6 11.6l1 1M3.4 12.6l1-1M11.6 4.4l1-1",
  moon: "M13 9.6A5.4 5.4 0 0 1 6.4 3a5.4 5.4 0 1 0 6.6 6.6z",
  help: "M6 6a2 2 0 1 1 2.8 1.9c-.6.3-.8.7-.8 1.4M8 12v.4",
  up: "M8 4l5 8H3z",
  down: "M8 12L3 4h10z",
  diamond: "M8 3l4.5 5L8 13 3.5 8z",
} as const;

const FILLED: readonly string[] = ["up", "down", "diamond"];

export type IconName = keyof typeof PATHS;

export function Icon(props: { readonly name: IconName }): JSX.Element {
  return <svg class="icon-sign" classList={{ filled: FILLED.includes(props.name) }} viewBox="0 0 16 16" aria-hidden="true"><path d={PATHS[props.name]} /></svg>;
}
