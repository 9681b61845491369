// Builds the same ladder with each library and measures it in headless Chromium: node measure.mjs [seconds] [rounds]
import { readFileSync, readdirSync, mkdirSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { chromium } from "playwright-core";
import { build } from "vite";
import preact from "@preact/preset-vite";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import solid from "vite-plugin-solid";

const [seconds = 10, rounds = 3] = process.argv.slice(2).map(Number);
const LIBRARIES = { preact: [preact(), "main.jsx"], solid: [solid(), "main.jsx"], svelte: [svelte(), "main.js"] };
const sizes = {};
for (const [name, [plugin, entry]] of Object.entries(LIBRARIES)) {
  await build({ root: `${import.meta.dirname}/${name}`, logLevel: "error", plugins: [plugin], build: { outDir: `${import.meta.dirname}/dist/${name}`, emptyOutDir: true, modulePreload: false, rollupOptions: { input: `${import.meta.dirname}/${name}/${entry}`, output: { entryFileNames: "main.js", format: "iife" } } } });
  sizes[name] = gzipSync(readFileSync(`dist/${name}/main.js`), { level: 9 }).length;
}
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
const found = Object.fromEntries(Object.keys(LIBRARIES).map((name) => [name, []]));
for (let round = 0; round < rounds; round += 1) {
  for (const name of Object.keys(LIBRARIES)) {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    await page.setContent(`<!doctype html><style>table{font:12px monospace;table-layout:fixed;width:400px}tr{height:20px}i{display:block;height:8px;background:teal}</style>`);
    await page.addScriptTag({ content: readFileSync(`dist/${name}/main.js`, "utf8") });
    const cdp = await page.context().newCDPSession(page);
    await cdp.send("Performance.enable", { timeDomain: "threadTicks" });
    const read = async () => Object.fromEntries((await cdp.send("Performance.getMetrics")).metrics.map(({ name, value }) => [name, value]));
    await page.waitForTimeout(2_000);
    const [before, framesBefore] = [await read(), await page.evaluate(() => window.frames_drawn)];
    await page.waitForTimeout(seconds * 1_000);
    const [after, framesAfter] = [await read(), await page.evaluate(() => window.frames_drawn)];
    const frames = framesAfter - framesBefore;
    const per = (key) => ((after[key] - before[key]) * 1_000) / frames;
    found[name].push({ frames: frames / seconds, script: per("ScriptDuration"), style: per("RecalcStyleDuration") + per("LayoutDuration"), task: per("TaskDuration"), heap: after.JSHeapUsedSize / 1e6 });
    await page.close();
  }
}
await browser.close();
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
console.log("| library | gzip, bytes | script ms a frame | style and layout ms a frame | main thread ms a frame | frames/s |");
console.log("| --- | ---: | ---: | ---: | ---: | ---: |");
for (const [name, runs] of Object.entries(found)) {
  const of = (key) => median(runs.map((run) => run[key])).toFixed(3);
  console.log(`| ${name} | ${sizes[name]} | ${of("script")} | ${of("style")} | ${of("task")} | ${Number(of("frames")).toFixed(0)} |`);
}
