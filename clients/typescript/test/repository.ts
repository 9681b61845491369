/** Where the rest of the repository is, seen from the compiled tests. */

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));

/** The tools of the repository's own environment; `make install` makes them. */
export const PYTHON = `${ROOT}.venv/bin/python`;
export const OUTCRY = `${ROOT}.venv/bin/outcry`;

/** Say why a test that needs a tool cannot run; false if it can. */
export function without(tool: string): string | false {
  return existsSync(tool) ? false : `${tool.slice(ROOT.length)} is absent: run make install`;
}

/** Read the wire vectors that all implementations share. */
export function vectors<T>(name: string): T {
  return JSON.parse(readFileSync(`${ROOT}protocol/vectors/${name}.json`, "utf8")) as T;
}
