/** What the company forbids, and what is halted: told where the instrument is looked at, as far as its user may know. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { browse, DeskPage } from "./desk.mjs";
import { Market, pause, until } from "./market.mjs";

const MARKUP = `<img src=x onerror="window.broken=1"> news & "more"`;
const DAY_US = 86_400_000_000;

describe("a page under the company's rules", () => {
  let market, browser, ann, bob;

  before(async () => {
    market = await Market.start({ accounts: true, ledger: false, instruments: [{ symbol: "ACME", name: "ACME common stock" }, { symbol: "OTHER", name: "Another one" }], environment: { OUTCRY_PAGE_ZONE: "Asia/Tokyo" } });
    browser = await browse();
    const transfer = (user) => ({ action: "make_transfer", transfer_id: `begin-${user}`, kind: "deposit", asset: "USD", debit: "~bank", credit: user, amount: 100_000_000_000 });
    await market.decide("begin", transfer("ann"), transfer("bob"), { action: "set_groups", user: "ann", groups: ["finance"] });
    [ann, bob] = await Promise.all([DeskPage.open(browser, market, "ann"), DeskPage.open(browser, market, "bob")]);
    await Promise.all([ann.look("ACME"), bob.look("ACME")]);
  });

  after(async () => {
    await browser?.close();
    await market?.stop();
  });

  const banner = (desk, code) => desk.page.locator(`.banner[data-code="${code}"]`);
  const row = (desk, symbol) => desk.page.getByRole("listbox", { name: "Instruments" }).locator(`[data-symbol="${symbol}"]`);

  it("tells whom a blackout touches, at the moment at which it ends their order, and nobody else", async () => {
    await ann.ticket("Buy", "90.00", 1);
    await until("her order rests", async () => (await ann.orders()).length === 1);
    await market.decide("q4", { action: "set_rule", rule_id: "Q4-results", kind: "blackout", groups: ["finance"], instruments: ["ACME"], until_us: Date.now() * 1_000 + DAY_US });
    await banner(ann, "blackout").getByText(/An order of yours has ended: a blackout began/).waitFor();
    assert.match(await row(ann, "ACME").textContent(), /Closed to you/);
    assert.doesNotMatch(await row(ann, "OTHER").textContent(), /Closed to you/);
    assert.equal(await bob.page.locator(".banner").count(), 0);
  });

  it("has the exchange's own sentence once an order was refused, with its end in both zones, and keeps it over a reload", async () => {
    await ann.ticket("Buy", "90.00", 1);
    const told = banner(ann, "blackout").getByText(/ACME is closed to the group finance until \d{4}-.*\(rule Q4-results\)/);
    await told.waitFor();
    assert.match(await told.textContent(), /Until \d+ \w+ \d{4}, [\d:]+ \(\d+ \w+ \d{4}, [\d:]+ at the exchange\)/);
    await ann.tab("Auctions and states");
    await ann.page.getByRole("region", { name: "States and auctions" }).getByText(/closed to the group finance/).waitFor();
    await ann.look("OTHER");
    assert.equal(await ann.page.locator(".banner").count(), 0, "the other instrument is not closed");
    await ann.page.reload();
    await ann.verified();
    await ann.look("ACME");
    await told.waitFor();
  });

  it("ends the banner when an order is accepted again", async () => {
    await market.decide("q4-over", { action: "set_rule", rule_id: "Q4-results", kind: "" });
    await ann.ticket("Buy", "90.00", 2);
    await until("the banner is gone", async () => (await ann.page.locator(".banner").count()) === 0);
    assert.equal((await ann.orders()).length, 1);
    assert.doesNotMatch(await row(ann, "ACME").textContent(), /Closed to you/);
  });

  it("says of a discreet rule what the exchange says, and no more", async () => {
    await market.decide("hush", { action: "set_rule", rule_id: "PROJECT-SWAN", kind: "blackout", groups: ["finance"], instruments: ["ACME"], discreet: true, until_us: Date.now() * 1_000 + DAY_US });
    await banner(ann, "restricted").waitFor();
    await ann.ticket("Buy", "90.00", 1);
    const told = banner(ann, "restricted").getByText(/ACME cannot be traded by you at present; ask compliance\. Told at/);
    await told.waitFor();
    const all = await ann.page.evaluate(() => `${document.documentElement.outerHTML} ${JSON.stringify(sessionStorage)} ${JSON.stringify(localStorage)}`);
    assert.doesNotMatch(all, /SWAN|blackout/i, "neither its name nor its kind");
    assert.equal(await bob.page.locator(".banner").count(), 0);
    await ann.page.getByRole("button", { name: /^Dismiss: ACME cannot be traded/ }).click();
    assert.equal(await ann.page.locator(".banner").count(), 0);
    await market.decide("hush-over", { action: "set_rule", rule_id: "PROJECT-SWAN", kind: "" });
  });

  it("shows a halt with its reason as text to everybody, and that it is over", async () => {
    await market.decide("halt", { action: "set_market_state", instrument: "ACME", state: "halted", reason: MARKUP });
    for (const desk of [ann, bob]) {
      await desk.page.locator(".banner").getByText(`No orders now. Halted: ${MARKUP}. Orders and changes are refused; cancelling works, and what rests stays.`, { exact: true }).waitFor();
      assert.equal(await desk.page.evaluate(() => "broken" in window || document.querySelectorAll("#page img").length > 0), false);
    }
    await bob.look("OTHER");
    assert.equal(await bob.page.locator(".banner").count(), 0);
    await market.decide("resume", { action: "set_market_state", instrument: "ACME", state: "open" });
    await until("the banner is gone", async () => (await ann.page.locator(".banner").count()) === 0);
  });

  it("lets compliance set a rule in the page, and whom it touches hears of it", async () => {
    const carla = await DeskPage.open(browser, market, "carla", { token: market.mint("carla", { roles: ["compliance"] }) });
    await carla.tab("Compliance");
    const office = carla.page.getByRole("region", { name: "Compliance", exact: true });
    await office.getByLabel("Name of the rule").fill("Q1-list");
    await office.getByLabel("Kind").selectOption("restricted");
    await office.getByLabel("Groups (none: everybody)").fill("finance");
    await office.getByLabel("Instruments (none: all)").first().fill("OTHER");
    await office.getByRole("button", { name: "Set rule" }).click();
    await office.getByRole("button", { name: "Press again: set rule" }).click();
    await office.getByRole("row", { name: /Q1-list Restricted finance OTHER .* in force/ }).waitFor();
    await ann.look("OTHER");
    await ann.ticket("Buy", "90.00", 1);
    await banner(ann, "restricted").getByText(/OTHER is restricted for the group finance \(rule Q1-list\)/).waitFor();
    await carla.close();
    await ann.look("ACME");
    assert.equal(await ann.page.locator(".banner").count(), 0);
  });

  it("says that a user is stopped, whatever they look at", async () => {
    await market.decide("kill", { action: "set_kill", scope: "user", name: "bob", on: true, reason: "leaver" });
    await bob.ticket("Buy", "90.00", 1);
    await banner(bob, "killed").getByText(/Trading of bob is stopped since/).waitFor();
    await bob.look("ACME");
    await banner(bob, "killed").waitFor();
    assert.doesNotMatch(await bob.page.locator("body").textContent(), /leaver/, "the reason is not bob's to know");
    await pause(300);
    assert.equal(await ann.page.locator(".banner").count(), 0);
    await ann.close();
    await bob.close();
  });
});
