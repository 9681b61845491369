/**
 * The first trade in a browser: `node page.mjs SETTINGS`, where SETTINGS is JSON: `url`, `chromium`.
 *
 * It prints a line of JSON for each step when it is done: its name and the milliseconds it took.
 */

import { chromium } from "playwright-core";

const { url, chromium: executablePath } = JSON.parse(process.argv[2]);
const WAIT_MS = 120_000;

let begun = performance.now();
function done(step) {
  console.log(JSON.stringify({ step, ms: performance.now() - begun }));
  begun = performance.now();
}

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
page.setDefaultTimeout(WAIT_MS);
await page.goto(url);
await page.locator('.connection[data-tone="good"]').waitFor();
done("opened");
await page.locator(".headline .badge", { hasText: "Trading" }).waitFor();
done("trading");

await page.locator("#ticket-kind").selectOption("market");
await page.locator("#ticket-quantity").fill("10");
await page.locator(".send").click();
await page.locator(".ticket-outcome .note.good").waitFor();
await page.getByRole("tab", { name: "Executions" }).click();
await page.locator(".rows-row", { hasText: "Filled" }).first().waitFor();
done("traded");
await browser.close();
