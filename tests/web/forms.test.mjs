/** What else a page shows and sends: its replica, own orders whole at every width, quotes, exercises, and orders of who is away. */

import assert from "node:assert/strict";
import { hostname } from "node:os";
import { after, before, describe, it } from "node:test";

import { browse, DeskPage } from "./desk.mjs";
import { Market, until } from "./market.mjs";

const WIDTHS = [360, 900, 1280, 1440, 3840];

describe("a page with an account", () => {
  let market, browser;

  before(async () => {
    market = await Market.start({
      gateways: 2, accounts: true, ledger: false,
      instruments: [
        { symbol: "ACME", name: "ACME common stock" },
        {
          symbol: "ACME-C90", kind: "option", name: "ACME call, 90 USD", lot_size: 10,
          option: { underlying: "ACME", right: "call", strike: 9_000, expiry: "2027-03-19", expires_at: 1_805_472_000_000_000, multiplier: 10 },
        },
      ],
    });
    browser = await browse();
    const deposit = (user) => ({ action: "make_transfer", transfer_id: `money-${user}`, kind: "deposit", asset: "USD", debit: "~bank", credit: user, amount: 100_000_000_000_000 });
    const grant = (user, asset, amount) => ({ action: "make_transfer", transfer_id: `lots-${user}-${asset}`, kind: "grant", asset, debit: "~issuer", credit: user, amount });
    await market.decide("begin", ...["ann", "max", "eve", "sue"].map(deposit), grant("max", "ACME", 100_000), grant("eve", "ACME-C90", 5));
  });

  after(async () => {
    await browser?.close();
    await market?.stop();
  });

  it("says which replica it is on, and what is behind that when it is asked", async () => {
    const desks = await Promise.all(market.gateways.map((url) => DeskPage.open(browser, market, "ann", { origin: new URL(url).origin.replace(/^ws/, "http") })));
    for (const [at, desk] of desks.entries()) {
      const name = `${hostname().slice(0, 64)}:${market.port + at}`;
      await until("the replica is named", async () => (await desk.page.locator(".replica").textContent()).includes(name));
      await desk.page.setViewportSize({ width: 360, height: 740 });
      await desk.page.locator(".connection button.plain").click(); // where there is no room for it, it is a touch away
      const details = desk.page.getByRole("dialog", { name: "Connection" });
      await details.getByText(name, { exact: true }).waitFor();
      await details.getByText(/^Live and verified: ACME at seq/).waitFor();
      await desk.page.keyboard.press("Escape");
      await until("it closes", async () => (await details.count()) === 0);
      await desk.close();
    }
  });

  it("cuts nothing of own orders in the ladder, at any width", async () => {
    const desk = await DeskPage.open(browser, market, "ann");
    const [ann, max] = await Promise.all([market.client("ann"), market.client("max")]);
    const { price } = (await ann.book("ACME")).bestBid;
    await max.order("ACME", { side: "bid", price, quantity: 123_456 });
    for (const [at, quantity] of [[price, 12_345], [price - 1, 7]]) await ann.order("ACME", { side: "bid", price: at, quantity });
    await until("her place is known", async () => /^12,345\u226412\dk$/.test((await desk.page.locator(".chip").first().textContent()) ?? ""));
    for (const width of WIDTHS) {
      await desk.page.setViewportSize({ width, height: 900 });
      await until("it is drawn", async () => (await desk.page.locator(".chip").count()) >= 2);
      const cut = await desk.page.evaluate(() => [...document.querySelectorAll(".chip, .chip small, .ladder-row .price, .ladder-row b")].filter((each) => each.scrollWidth > each.clientWidth + 1 && each.clientWidth > 0).map((each) => `${each.className} ${each.textContent} ${each.scrollWidth} ${each.clientWidth}`));
      assert.deepEqual(cut, [], `at ${width}`);
      const outside = await desk.page.evaluate(() => [...document.querySelectorAll(".chip")].filter((each) => each.getBoundingClientRect().right > each.closest(".ladder").getBoundingClientRect().right + 1).length);
      assert.equal(outside, 0, `at ${width}`);
    }
    await Promise.all([ann.cancelAll(), max.cancelAll()]);
    await Promise.all([ann.close(), max.close()]);
    await desk.close();
  });

  it("moves an order where it is dragged to, and leaves it where it was on Escape", async () => {
    const desk = await DeskPage.open(browser, market, "ann");
    const ann = await market.client("ann");
    const account = await ann.account();
    const from = (await ann.book("ACME")).bestBid.price - 1;
    await ann.order("ACME", { side: "bid", price: from, quantity: 9 });
    const chip = desk.page.locator('.own[data-side="bid"] .chip');
    const drag = async (rows) => {
      const { x, y, width, height } = await chip.boundingBox();
      await desk.page.mouse.move(x + width / 2, y + height / 2);
      await desk.page.mouse.down();
      await desk.page.mouse.move(x + width / 2, y + height / 2 + rows * 24, { steps: 6 });
    };
    await drag(2);
    await desk.page.keyboard.press("Escape");
    await desk.page.mouse.up();
    await drag(3);
    await desk.page.mouse.up();
    await until("it is moved", () => account.orders[0]?.price === from - 3);
    await until("it is shown there", async () => (await desk.page.getByRole("gridcell", { name: new RegExp(`^Yours: Buy 9 at ${((from - 3) / 100).toFixed(2)}`) }).count()) === 1);
    await chip.dblclick();
    await until("a double click ends it", () => account.orders.length === 0);
    await ann.close();
    await desk.close();
  });

  it("quotes both sides for a market maker, once for a double click, and withdraws them", async () => {
    const desk = await DeskPage.open(browser, market, "max", { token: market.mint("max", { roles: ["trader", "market_maker"] }) });
    const max = await market.client("max");
    const account = await max.account();
    await desk.look("ACME");
    await desk.tab("Quote");
    const form = desk.page.getByRole("form", { name: "Quote" });
    const fill = async (...values) => {
      for (const [at, label] of ["Bid", "Lots bid", "Ask", "Lots asked"].entries()) await form.getByLabel(label, { exact: true }).fill(values[at]);
    };
    await fill("101.00", "5", "100.00", "5");
    await desk.send().click();
    await form.getByText("The bid is below the ask.").waitFor();
    await fill("95.00", "5", "105.00", "6");
    await desk.send().dblclick();
    await form.getByText("Quote of ACME: done.").waitFor();
    const sides = () => account.orders.map(({ side, price, remaining, time_in_force: good }) => `${side} ${remaining} ${price} ${good}`).sort().join();
    await until("both sides stand", () => sides() === "ask 6 10500 quote,bid 5 9500 quote");
    await until("they are shown", async () => /5 at 95\.00.*6 at 105\.00/.test(await form.textContent()));
    await fill("95.10", "7", "", "");
    await desk.page.keyboard.press("Enter");
    await until("the pair takes the place of the one before", () => sides() === "bid 7 9510 quote");
    await form.getByRole("button", { name: "Withdraw" }).click();
    await until("nothing stands", () => account.orders.length === 0);
    await max.close();
    await desk.close();
  });

  it("offers no quote to whom the exchange would refuse it", async () => {
    const desk = await DeskPage.open(browser, market, "ann");
    await desk.look("ACME");
    assert.equal(await desk.page.getByRole("tab", { name: "Quote" }).count(), 0);
    assert.equal(await desk.page.getByRole("tab", { name: "Exercise" }).count(), 0);
    await desk.close();
  });

  it("exercises an option after a second press, says what changes hands before, and the exchange's sentence if it cannot be", async () => {
    const desk = await DeskPage.open(browser, market, "eve", { token: market.mint("eve", { roles: ["trader"] }) });
    const eve = await market.client("eve");
    const account = await eve.account();
    await desk.look("ACME-C90");
    await desk.tab("Exercise");
    const form = desk.page.getByRole("form", { name: "Exercise" });
    await form.getByText("Each lot is a right to buy 10 ACME at 90.00 USD.").waitFor();
    await form.getByText("5 lots").waitFor();
    const press = async (lots) => {
      await form.getByLabel("Lots to exercise").fill(lots);
      const button = form.locator("button.exercise");
      await button.click();
      await until("it asks again", async () => /Press again: exercise/.test(await button.textContent()));
      await button.click();
    };
    await press("6");
    await form.getByText(/6 lots|5 are|needs 6/).first().waitFor();
    assert.equal(account.holdings.get("ACME-C90").lots, 5);
    await form.getByLabel("Lots to exercise").fill("2");
    await form.getByText("You pay 1,800.00 USD and get 20 ACME. Nobody can take it back.").waitFor();
    await press("2");
    await form.getByText("Exercise 2 ACME-C90: done.").waitFor();
    await until("lots and shares have changed hands", () => account.positions.get("ACME-C90") === 3 && account.positions.get("ACME") === 20);
    await form.getByText("3 lots").waitFor();
    await eve.close();
    await desk.close();
  });

  it("switches whether orders end while their user is away, as the exchange says", async () => {
    const desk = await DeskPage.open(browser, market, "ann");
    const ann = await market.client("ann");
    const account = await ann.account();
    await desk.tab("Orders");
    const box = desk.page.getByRole("checkbox", { name: "Cancel my orders when I am away" });
    assert.equal(await box.isChecked(), false);
    await box.click();
    await until("it is on", () => account.cancelOnDisconnect);
    await until("it is shown", () => box.isChecked());
    await ann.cancelOnDisconnect(false); // another program of the user's
    await until("that is shown too", async () => !(await box.isChecked()));
    await ann.close();
    await desk.close();
  });

  it("has the orders of who closes the page cancelled where they asked for it, and not before", async () => {
    const desk = await DeskPage.open(browser, market, "sue");
    const ann = await market.client("ann");
    const book = await ann.book("ACME");
    const price = book.bestBid.price + 1;
    const stands = () => book.bids(1)[0]?.[0] === price;
    await desk.look("ACME");
    await desk.tab("Orders");
    await desk.page.getByRole("checkbox", { name: "Cancel my orders when I am away" }).click();
    await desk.ticket("Buy", (price / 100).toFixed(2), 3);
    await until("it stands", stands);
    await desk.page.reload(); // who is back within the grace period keeps all orders
    await desk.verified();
    assert.deepEqual([stands(), (await desk.orders()).length], [true, 1]);
    await desk.close();
    await until("it is cancelled", () => !stands(), 40_000);
    await ann.close();
  });

  it("follows the system's theme, in what is drawn by hand too", async () => {
    const desk = await DeskPage.open(browser, market, "ann", { colorScheme: "light" });
    await desk.look("ACME");
    await desk.tab("Depth");
    const drawn = () => desk.page.evaluate(() => document.querySelector(".chart canvas")?.toDataURL() ?? "");
    await until("the curve is drawn", async () => (await drawn()).length > 5_000);
    const light = await drawn();
    await desk.page.emulateMedia({ colorScheme: "dark" });
    await desk.page.getByRole("button", { name: "Light theme" }).waitFor(); // what the button would do now
    await until("the curve has other colours", async () => (await drawn()) !== light);
    await desk.page.emulateMedia({ colorScheme: "light" });
    await until("and again those of before", async () => (await drawn()) === light);
    await desk.close();
  });
});
