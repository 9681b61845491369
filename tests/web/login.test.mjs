/** The company's login in a real browser: code flow with PKCE, renewal on the same session, and tokens that are too short. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { browse, DeskPage, VERIFIED } from "./desk.mjs";
import { IdentityProvider } from "./identityProvider.mjs";
import { Market, pause, until } from "./market.mjs";

/** What an operator is told to set at least. */
const SECONDS = 120;

describe("the company's login", () => {
  let provider, market, browser;

  before(async () => {
    provider = await IdentityProvider.start({ seconds: SECONDS });
    market = await Market.start({ ledger: false, environment: provider.environment });
    browser = await browse();
  });

  after(async () => {
    await browser?.close();
    await market?.stop();
    await provider?.stop();
  });

  async function login(user) {
    const desk = await DeskPage.open(browser, market, "", { token: "", isTrusted: false });
    await desk.page.getByRole("button", { name: "Log in with the company's account" }).click();
    await desk.page.getByRole("link", { name: `Log in as ${user}` }).click();
    return desk;
  }

  it("brings a user to the market, renews the token on the same session, and outlives a reload", async () => {
    provider.seconds = SECONDS;
    provider.given.length = 0;
    const desk = await login("ann");
    await desk.verified();
    assert.equal(new URL(desk.page.url()).search, "", "neither code nor state stays in the address");
    assert.equal(await desk.page.locator(".bar .user").textContent(), "ann");
    await desk.ticket("Buy", "90.00", 2);
    await until("an order rests", async () => (await desk.orders()).length === 1);
    const session = await desk.page.locator(".replica").getAttribute("data-session");
    await until("the token is renewed", () => provider.given.includes("refresh_token"), SECONDS * 1_000);
    await pause(2_000);
    assert.equal(await desk.standing(), VERIFIED);
    assert.equal(await desk.page.locator(".replica").getAttribute("data-session"), session, "it is the same session");
    assert.ok(provider.given.length <= 3, `${provider.given.length} tokens in ${SECONDS} s`);
    await desk.page.reload();
    await desk.verified();
    await desk.close();
  });

  it("says so of tokens that are too short, and does not ask for one after the other", async () => {
    provider.seconds = 60;
    provider.given.length = 0;
    const desk = await login("bob");
    await desk.page.getByText(/tokens of \d+ s; the page needs 120 s/).first().waitFor();
    await pause(10_000);
    assert.ok(provider.given.length <= 2, `${provider.given.length} tokens in 10 s`);
    await desk.close();
  });

  it("says what the provider refuses", async () => {
    const desk = await DeskPage.open(browser, market, "", { token: "", isTrusted: false });
    await desk.page.goto(`${market.origin}/?error=access_denied&state=unknown`);
    await desk.page.getByText(/company's login failed/).first().waitFor();
    await desk.close();
  });
});
