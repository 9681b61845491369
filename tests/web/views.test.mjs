/** Every view at three sizes in both themes: nothing for axe to find, and a picture of each in build/web. */

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { browse, DeskPage } from "./desk.mjs";
import { Market, ROOT, until } from "./market.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const PICTURES = join(ROOT, "build", "web");
const SIZES = { phone: { width: 360, height: 740 }, desk: { width: 1440, height: 900 }, vast: { width: 3840, height: 2160 } };
/** An option that the exchange ends, an instrument that a rule closes, and one that is halted. */
const [OPTION, CLOSED, HALTED] = ["ACME-C90", "SHIP-Q1", "DESK-HQ"];
const TABS = ["Orders", "Executions", "Positions", "Auctions and states", "Compliance", "Administration"];

/** What axe objects to, and what it cannot decide: both are faults of a page. */
async function findings(page, runOnly) {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(AXE);
  const { violations, incomplete } = await page.evaluate((what) => globalThis.axe.run(document, { runOnly: what, resultTypes: ["violations", "incomplete"] }), runOnly);
  return [...violations, ...incomplete].map(({ id, help, nodes }) => `${id}: ${help} (${nodes.length}): ${nodes[0].html.slice(0, 160)}`);
}

/** A view in both themes: all rules in the one, and what colours alone decide in the other. */
async function look(page, name, told) {
  const grounds = new Set();
  for (const [colorScheme, runOnly] of [["light", { type: "tag", values: TAGS }], ["dark", { type: "rule", values: ["color-contrast"] }]]) {
    await page.emulateMedia({ colorScheme });
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await until(`it is ${colorScheme}`, () => page.evaluate((theme) => document.documentElement.dataset.theme === theme, colorScheme));
    await page.waitForTimeout(150); // colours may fade over
    grounds.add(await ground());
    await page.screenshot({ path: join(PICTURES, `${name}-${colorScheme}.png`) });
    told.push(...(await findings(page, runOnly)).map((finding) => `${name}, ${colorScheme}: ${finding}`));
  }
  assert.equal(grounds.size, 2, "the theme has changed, and stays so");
}

describe("each view", () => {
  let market, browser;

  before(async () => {
    mkdirSync(PICTURES, { recursive: true });
    market = await Market.start({ bots: 20, accounts: true, environment: { OUTCRY_PAGE_ZONE: "America/New_York" } });
    browser = await browse();
    const transfer = (kind, asset, debit, amount) => ({ action: "make_transfer", transfer_id: `ann-${asset}`, kind, asset, debit, credit: "ann", amount });
    const option = { underlying: "ACME", right: "call", strike: 9_000, expiry: "2027-03-19", expires_at: 1_805_472_000_000_000, multiplier: 10 };
    await market.decide("list", { action: "list_instrument", symbol: OPTION, kind: "option", name: "ACME call, 90 USD", lot_size: 10, option });
    await market.decide(
      "begin", transfer("deposit", "USD", "~bank", 100_000_000_000), transfer("grant", OPTION, "~issuer", 5), { action: "set_groups", user: "ann", groups: ["finance"] },
      { action: "set_rule", rule_id: "Q4-results", kind: "blackout", groups: ["finance"], instruments: [CLOSED], until_us: Date.now() * 1_000 + 86_400_000_000 },
      { action: "set_market_state", instrument: HALTED, state: "halted", reason: "news pending" },
    );
  });

  after(async () => {
    await browser?.close();
    await market?.stop();
  });

  it("is looked at by something that finds faults", async () => {
    const desk = await DeskPage.open(browser, market, "", { token: "", isTrusted: false });
    await desk.page.getByLabel("Token").waitFor();
    await desk.page.evaluate(() => {
      const faulty = document.createElement("button");
      faulty.style.cssText = "color: #777; background: #888; width: 8px; height: 8px";
      document.querySelector("main").append(faulty);
    });
    const found = await findings(desk.page, { type: "tag", values: TAGS });
    assert.ok(found.some((finding) => finding.startsWith("button-name")), found.join("\n"));
    await desk.close();
  });

  for (const [size, viewport] of Object.entries(SIZES)) {
    it(`has no findings, and a picture in both themes: ${size}`, async () => {
      const told = [];
      const login = await DeskPage.open(browser, market, "", { token: "", isTrusted: false, viewport });
      await login.page.getByLabel("Token").waitFor();
      await look(login.page, `login-${size}`, told);
      await login.close();
      const roles = ["trader", "market_maker", "admin", "compliance"];
      const desk = await DeskPage.open(browser, market, "ann", { token: market.mint("ann", { roles }), viewport });
      const go = async (name) => {
        if (size === "phone") await desk.page.getByRole("navigation").getByRole("button", { name, exact: true }).click();
      };
      if (size === "phone") {
        for (const name of ["Market", "Ladder", "Ticket"]) {
          await go(name);
          await look(desk.page, `${name.toLowerCase()}-${size}`, told);
        }
      }
      for (const name of ["Quote", "Order ticket"]) {
        await desk.tab(name);
        await look(desk.page, `${name.toLowerCase().replaceAll(" ", "-")}-${size}`, told);
      }
      await desk.ticket("Buy", "99.00", 3);
      const said = () => desk.page.locator(".ticket .field-error, .ticket-outcome").allTextContents();
      await until("the exchange answers", async () => (await said()).join("") !== "");
      assert.match((await said()).join(" "), /accepted/);
      await go("Charts");
      for (const name of ["Candles", "Depth"]) {
        if (size !== "vast") await desk.tab(name);
        await look(desk.page, `${name.toLowerCase()}-${size}`, told);
      }
      await go("Yours");
      for (const name of TABS) {
        await desk.tab(name);
        await desk.page.waitForTimeout(300); // what it asks for comes
        await look(desk.page, `${name.toLowerCase().replaceAll(" ", "-")}-${size}`, told);
      }
      await desk.page.locator(".connection button.plain").click();
      await desk.page.getByRole("dialog", { name: "Connection" }).waitFor();
      await look(desk.page, `connection-${size}`, told);
      await desk.page.keyboard.press("Escape");
      await go("Market");
      await desk.look(OPTION);
      await go("Ticket");
      await desk.tab("Exercise");
      await desk.page.getByLabel("Lots to exercise").fill("2");
      await look(desk.page, `exercise-${size}`, told);
      await go("Market");
      await desk.look(CLOSED);
      await go("Ticket");
      await desk.ticket("Buy", "1.00", 1);
      await desk.page.locator(".banner[data-code=blackout]").waitFor();
      await look(desk.page, `blackout-${size}`, told);
      await go("Market");
      await desk.look(HALTED);
      await desk.page.locator(".banner").waitFor();
      await look(desk.page, `halted-${size}`, told);
      await desk.close();
      assert.deepEqual([...new Set(told)], []);
    });
  }
});
