/** How much a browser has to load: all scripts and styles, as they are sent; fonts apart. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { gzipSync } from "node:zlib";

import { ROOT } from "./market.mjs";

const BYTES_MAX = 200 * 1024;
const ASSETS = join(ROOT, "web/dist/assets");

it("the page is at most 200 KB, compressed", (test) => {
  const names = readdirSync(ASSETS).filter((name) => /\.(js|css)$/.test(name));
  const bytes = names.reduce((sum, name) => sum + gzipSync(readFileSync(join(ASSETS, name))).length, 0);
  test.diagnostic(`${bytes} bytes in ${names.length} files`);
  assert.ok(names.length > 3 && bytes <= BYTES_MAX, `${bytes} bytes in ${names.join(", ")}`);
});
