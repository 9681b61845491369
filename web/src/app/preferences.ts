/** What this browser remembers of how its user likes the page. Where it may remember nothing, nothing is remembered. */

import { createSignal } from "solid-js";

type Theme = "system" | "dark" | "light";

export function remembered(name: string): string | null {
  try {
    return localStorage.getItem(`outcry.${name}`);
  } catch {
    return null; // storage is forbidden: the defaults do
  }
}

export function remember(name: string, value: string): void {
  try {
    localStorage.setItem(`outcry.${name}`, value);
  } catch {
    // storage is forbidden or full: it holds for this visit
  }
}

/** A signal whose value outlives the visit. */
export function preference<T extends string>(name: string, values: readonly T[], otherwise: T): [() => T, (value: T) => void] {
  const found = remembered(name) as T | null;
  const [value, set] = createSignal<T>(found !== null && (values.length === 0 || values.includes(found)) ? found : otherwise);
  const keep = (next: T) => {
    remember(name, next);
    set(() => next);
  };
  return [value, keep];
}

export const [theme, setTheme] = preference<Theme>("theme", ["system", "dark", "light"], "system");
export const [symbolWanted, setSymbolWanted] = preference<string>("symbol", [], "");

const system = matchMedia("(prefers-color-scheme: light)");
const [systemIsLight, setSystemIsLight] = createSignal(system.matches);

/** Whether the page is light now. */
export function isLight(): boolean {
  return theme() === "light" || (theme() === "system" && systemIsLight());
}

/** Put the theme on the page; styles follow `data-theme`. */
export function applyTheme(): void {
  document.documentElement.dataset["theme"] = isLight() ? "light" : "dark";
}

system.addEventListener("change", () => {
  setSystemIsLight(system.matches); // what is drawn by hand follows it
  applyTheme();
});

/** Switch between dark and light; what the system says anyway is left to the system. */
export function switchTheme(): void {
  const next = isLight() ? "dark" : "light";
  setTheme((next === "light") === systemIsLight() ? "system" : next);
  applyTheme();
}
