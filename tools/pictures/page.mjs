/**
 * The trading page's pictures: `node page.mjs SETTINGS`, where SETTINGS is JSON: `url`, `gatewayPid`, `folder`, `chromium`.
 *
 * It trades as an employee would, by the page alone, and takes a picture where there is something to see. Each step waits
 * for what it brings about, and a step that fails ends it.
 */

import { chromium } from "playwright-core";

const { url, gatewayPid, folder, chromium: executablePath } = JSON.parse(process.argv[2]);
const DESK = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 780 };
const WAIT_MS = 60_000;
/** Until there are candles to look at. */
const CANDLES_MS = 60_000;

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const context = await browser.newContext({ viewport: DESK, colorScheme: "light", reducedMotion: "reduce" });
context.setDefaultTimeout(WAIT_MS);
const page = await context.newPage();
const trusted = page.locator('.connection[data-tone="good"]');

async function picture(name, options = {}) {
  await page.screenshot({ path: `${folder}/${name}.png`, animations: "disabled", caret: "hide", ...options });
  console.log(name);
}

async function choose(symbol) {
  await page.locator(`[data-symbol="${symbol}"]`).click();
  await page.locator(".headline-name").getByRole("heading", { name: symbol, exact: true }).waitFor();
  await trusted.waitFor();
}

/** Fill the ticket and send it; returns when the exchange has answered. */
async function order(side, { price, lots, market = false }) {
  await page.locator(`.side[data-side="${side}"]`).click();
  await page.locator("#ticket-kind").selectOption(market ? "market" : "limit");
  if (!market) await page.locator("#ticket-price").fill(price);
  await page.locator("#ticket-quantity").fill(String(lots));
  const before = await answer();
  await page.locator(".send").click();
  const until = Date.now() + WAIT_MS;
  let now = before;
  while (now === "" || now === before) {
    if (Date.now() > until) throw new Error(`no answer to ${side} ${lots}; the ticket says "${before}"`);
    await page.waitForTimeout(50);
    now = await answer();
  }
  console.log(now);
}

/** What the ticket says of the last order: an outcome, or a sentence beside a field. */
async function answer() {
  return (await page.locator(".ticket-outcome .note, .ticket .field-error").allInnerTexts()).join("").trim();
}

/** The best prices of what is looked at, in ticks of a cent. */
async function best(side) {
  const text = await page.locator(`.headline-figures .figure[data-side="${side}"] .value`).innerText();
  return Math.round(Number(text.replaceAll(",", "")) * 100);
}

const cents = (ticks) => (ticks / 100).toFixed(2);

await page.goto(url);
await trusted.waitFor();
await page.locator(".headline .badge", { hasText: "Trading" }).waitFor(); // the opening call is over
await choose("GPU-HOUR");
await order("bid", { lots: 40, market: true });
await choose("DESK-HQ");
await order("ask", { lots: 2, market: true });
await choose("ACME");
await page.locator(".widths .width", { hasText: /^5s$/ }).click();
await order("bid", { lots: 250, market: true });
await page.waitForTimeout(CANDLES_MS);
await order("bid", { price: cents((await best("bid")) - 4), lots: 120 });
await order("bid", { price: cents((await best("bid")) - 8), lots: 200 });
await order("ask", { price: cents((await best("ask")) + 5), lots: 150 });
await page.locator(".chip").nth(1).waitFor(); // the market may have taken one of the three

// What is typed and not sent yet: value and reservation are shown before.
await page.locator('.side[data-side="bid"]').click();
await page.locator("#ticket-price").fill(cents((await best("bid")) - 1));
await page.locator("#ticket-quantity").fill("300");
await page.locator("#ticket-quantity").blur();
await page.mouse.move(1, 1);
await picture("page-light");

// The same, with a number on every part.
const PARTS = [".bar > .connection", ".watchlist", ".headline", ".middle > .upper", ".ladder", ".ticket", ".middle > .lower", ".right > .tape", ".cancel-all"];
await page.evaluate((parts) => {
  parts.forEach((part, at) => {
    const box = document.querySelector(part).getBoundingClientRect();
    const mark = document.createElement("b");
    mark.className = "picture-mark";
    mark.textContent = String(at + 1);
    // Set one by one: the page's policy takes no style attribute.
    const style = { position: "fixed", zIndex: "9", left: `${Math.max(2, box.left - 6)}px`, top: `${Math.max(2, box.top - 6)}px`, width: "28px", height: "28px", display: "grid", placeItems: "center", borderRadius: "50%", background: "#7a1fa2", color: "#fff", fontSize: "16px", boxShadow: "0 0 0 2px #fff" };
    Object.assign(mark.style, style);
    document.body.append(mark);
  });
}, PARTS);
await picture("page-parts");
await page.evaluate(() => document.querySelectorAll(".picture-mark").forEach((mark) => mark.remove()));

await page.getByRole("button", { name: "Dark theme" }).click();
await page.mouse.move(1, 1);
await picture("page-dark");
await page.getByRole("button", { name: "Light theme" }).click();

// A refusal: the exchange's sentence beside its field.
await order("bid", { price: cents((await best("bid")) - 1), lots: 9_000 });
await page.locator("#error-quantity:not(:empty)").waitFor();
await picture("page-refused", { clip: await box(".ticket") });

// A receipt: from the record, verified in the page. The record seals every few seconds.
await page.getByRole("tab", { name: "Executions" }).click();
await page.locator(".rows-row .link:enabled").first().waitFor();
await page.locator(".rows-row", { hasText: "Filled" }).locator(".link").first().click();
await page.locator(".receipt li").first().waitFor();
await picture("page-receipt", { clip: await box("dialog[open]") });
await page.locator("dialog[open]").getByRole("button", { name: "Close" }).click();

// A gateway that stands still: what stands on the screen is not called verified.
await page.setViewportSize({ ...DESK, height: 600 });
await trusted.waitFor();
process.kill(gatewayPid, "SIGSTOP");
try {
  await page.locator('.connection[data-tone="bad"]').waitFor();
  await picture("page-stale");
} finally {
  process.kill(gatewayPid, "SIGCONT");
}
await trusted.waitFor();

await page.setViewportSize(PHONE);
await page.locator(".phone-nav").waitFor();
await trusted.waitFor();
await page.waitForTimeout(500);
await picture("page-phone");
await browser.close();

async function box(selector) {
  const found = await page.locator(selector).boundingBox();
  return { x: Math.floor(found.x), y: Math.floor(found.y), width: Math.ceil(found.width), height: Math.ceil(found.height) };
}
