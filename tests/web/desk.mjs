/** The page in Debian's Chromium, by Playwright's library: what a user sees and does. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";

import { chromium } from "playwright-core";

import { until } from "./market.mjs";

export const VERIFIED = "Live and verified";
export const CHROMIUM = process.env.CHROMIUM ?? found("chromium") ?? found("chromium-browser") ?? found("google-chrome");
export const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];

function found(name) {
  try {
    return execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim();
  } catch {
    return undefined; // it is not installed
  }
}

export async function browse(...flags) {
  assert.ok(CHROMIUM, "no chromium here (Debian: apt-get install chromium)");
  return chromium.launch({ executablePath: CHROMIUM, args: [...FLAGS, ...flags] });
}

/** One user's page. What it breaks is kept in `faults`: exceptions, and what its policy forbids. */
export class DeskPage {
  faults = [];

  static async open(browser, market, user, { token, origin = market.origin, isTrusted = true, prepare, ...context } = {}) {
    const desk = new DeskPage();
    desk.context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...context });
    desk.page = await desk.context.newPage();
    desk.page.setDefaultTimeout(20_000);
    desk.page.on("pageerror", (error) => desk.faults.push(`${error}`));
    desk.page.on("console", (message) => {
      const text = message.text();
      if (/Content Security Policy|Refused to/.test(text)) desk.faults.push(text);
    });
    await prepare?.(desk.page);
    await desk.page.goto(`${origin}/#token=${token ?? market.mint(user)}`);
    if (isTrusted) await desk.verified();
    return desk;
  }

  /** What the page says of its connection. */
  async standing() {
    return (await this.page.locator(".connection .word").textContent({ timeout: 5_000 }).catch(() => "")) ?? "";
  }

  async verified(withinMs = 30_000) {
    await until(`it says ${VERIFIED}`, async () => (await this.standing()) === VERIFIED, withinMs);
  }

  async tab(name) {
    await this.page.getByRole("tab", { name: new RegExp(`^${name}`) }).first().click();
  }

  async look(symbol) {
    await this.page.getByRole("listbox", { name: "Instruments" }).locator(`[data-symbol="${symbol}"]`).click();
    await until(`${symbol} is shown`, async () => (await this.page.locator(".headline h1").textContent()) === symbol);
    await this.verified();
  }

  /** Fill the ticket in, and send it unless told otherwise. */
  async ticket(side, price, quantity, { isSent = true } = {}) {
    const ticket = this.page.locator(".ticket");
    await ticket.getByRole("radio", { name: side }).check();
    await ticket.getByRole("textbox", { name: /^Price/ }).fill(price);
    await ticket.getByRole("textbox", { name: /^Quantity/ }).fill(String(quantity));
    if (isSent) await this.send().click();
  }

  send() {
    return this.page.locator(".ticket button[type=submit]");
  }

  /** Open orders, each row as its texts. */
  async orders() {
    await this.tab("Orders");
    const rows = await this.page.locator(".tab-view table tbody tr").all();
    return Promise.all(rows.map((row) => row.locator("td").allTextContents()));
  }

  async close() {
    await this.context.close();
    assert.deepEqual(this.faults, [], "the page threw, or did what its policy forbids");
  }
}
