/**
 * Builds the page into `dist` with the licenses of what it is made of, and keeps the assets of earlier builds in
 * `dist/previous/assets`.
 *
 * While replicas are replaced, and for as long as a page stays open, browsers ask for what the page that they have names.
 * KEEP names a further folder with a page of the last release, such as a wheel's, unpacked.
 */

import { copyFile, mkdir, readFile, readdir, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "vite";

const ROOT = fileURLToPath(new URL(".", import.meta.url));
const DIST = join(ROOT, "dist");
/** Where it grows: `dist` is always whole, whatever fails. */
const GROWING = join(ROOT, ".growing");
/** Of earlier builds; the newest are kept. A gateway takes 512 files altogether. */
const KEPT_MAX = 200;
/** Nobody has a page open for longer. */
const KEPT_MS = 30 * 24 * 3_600_000;

async function assetsOf(folder) {
  const found = [];
  for (const assets of [join(folder, "assets"), join(folder, "previous", "assets")]) {
    const names = await readdir(assets).catch((error) => {
      if (error.code === "ENOENT") return []; // nothing was built there yet
      throw error;
    });
    for (const name of names) found.push({ name, path: join(assets, name), at: (await stat(join(assets, name))).mtimeMs });
  }
  return found;
}

/** Notes the folder of every package that is in a bundle: the page's, and its worker's, which is a build of its own. */
function packages(found) {
  return {
    name: "packages",
    generateBundle() {
      for (const id of this.getModuleIds()) {
        const folder = /^\0?(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1];
        if (folder !== undefined) found.add(folder);
      }
    },
  };
}

async function licenses(folders) {
  const parts = [];
  for (const folder of [...folders].sort()) {
    const { name, version, license, author } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    const file = (await readdir(folder)).find((each) => /^licen[cs]e(\.md|\.txt)?$/i.test(each));
    if (license === undefined) throw new Error(`${name} names no license`);
    const by = typeof author === "string" ? author : author?.name;
    const text = file === undefined ? `The package has no text of it, and is by ${by}.` : await readFile(join(folder, file), "utf8");
    parts.push(`## ${name} ${version} (${license})\n\n${text.trim()}\n`);
  }
  return `# Licenses\n\nThe trading page is made of the packages below, and of OpenOutcry's own code (MIT).\n\n${parts.join("\n")}`;
}

const KEEP = process.env["KEEP"] ?? "";
const earlier = await assetsOf(DIST);
if (KEEP !== "") {
  const released = await assetsOf(KEEP);
  if (released.length === 0) throw new Error(`KEEP: there is no page in ${KEEP}`);
  earlier.push(...released.map((each) => ({ ...each, at: Date.now() }))); // its files bear the time of their unpacking, or none
}
const used = new Set();
await build({
  root: ROOT,
  logLevel: "warn",
  build: { outDir: GROWING, emptyOutDir: true },
  plugins: [packages(used)],
  worker: { plugins: () => [packages(used)] },
});
await writeFile(join(GROWING, "licenses.md"), await licenses(used));
const built = new Set(await readdir(join(GROWING, "assets")));
const previous = join(GROWING, "previous", "assets");
await mkdir(previous, { recursive: true });
const kept = new Set();
for (const { name, path, at } of earlier.sort((one, other) => other.at - one.at)) {
  if (built.has(name) || kept.has(name) || kept.size >= KEPT_MAX || Date.now() - at > KEPT_MS) continue;
  kept.add(name);
  await copyFile(path, join(previous, name));
  await utimes(join(previous, name), new Date(), new Date(at)); // by this they grow old
}
await rm(DIST, { recursive: true, force: true });
await rename(GROWING, DIST);
