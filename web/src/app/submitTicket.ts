/** Sending the ticket: checked, once, and what came of it told beside the field that it concerns. */

import { lotsText, millionths, priceText } from "../model/money.js";
import { checkTicket, refusedField } from "../model/ticketChecks.js";
import type { Checked, Market } from "../model/ticketChecks.js";
import type { Desk, Entry } from "./desk.js";
import type { TicketForm } from "./ticketForm.js";
import { isUnknown, say, SIDE_WORD } from "./trading.js";
import type { Trading } from "./trading.js";

/** What the ticket is judged by; null while the instrument is not known. */
export function marketOf(desk: Desk, entry: Entry): Market | null {
  const instrument = entry.instrument();
  if (instrument === undefined) return null;
  const account = desk.account();
  const [held, book, ticker] = [account.holdings[entry.symbol], desk.book(), entry.ticker()];
  const money = millionths(account.cash[instrument.currency] ?? "0") ?? 0n;
  const reserved = millionths(account.reserved[instrument.currency] ?? "0") ?? 0n;
  const now = desk.serverNow() * 1_000;
  const restricted = (held?.restricted ?? []).filter(({ until }) => !(until <= now)).reduce((sum, { lots }) => sum + lots, 0);
  const isKept = account.keepsAccounts && !account.stale;
  return {
    instrument, terms: entry.terms(), last: ticker?.last ?? 0, bestBid: book?.bestBid ?? ticker?.bid ?? 0, bestAsk: book?.bestAsk ?? ticker?.ask ?? 0,
    freeMoney: isKept ? money - reserved : null,
    freeLots: isKept ? (held?.lots ?? 0) - (held?.reserved ?? 0) - restricted : null,
  };
}

/** Judge the ticket as it stands. */
export function checked(desk: Desk, ticket: TicketForm, entry: Entry): Checked | null {
  const market = marketOf(desk, entry);
  return market && checkTicket(ticket.draft(), market);
}

/** Send it, unless it has been sent or its form is wrong. A limit that this page sees but may be out of date is the exchange's to refuse. */
export async function submitTicket(desk: Desk, trading: Trading, ticket: TicketForm, entry: Entry): Promise<void> {
  const instrument = entry.instrument();
  const found = checked(desk, ticket, entry);
  if (instrument === undefined || found === null) return;
  const draft = ticket.draft();
  const wrong = Object.entries(found.errors).find(([field]) => isOfForm(field, found));
  if (wrong !== undefined) {
    ticket.refused({ field: wrong[0] as keyof Checked["errors"], text: wrong[1] });
    return;
  }
  const name = ticket.take(performance.now());
  if (name === null) return; // a double click, or too late: told in the ticket
  const isLimit = draft.kind === "limit";
  const answer = await trading.place({
    op: "order", client_order_id: name, instrument: entry.symbol, side: draft.side, quantity: found.quantity, kind: draft.kind,
    price: isLimit ? found.price : undefined, time_in_force: isLimit || draft.timeInForce === "auction" || found.trigger > 0 ? draft.timeInForce : undefined,
    post_only: draft.postOnly || undefined, trigger: found.trigger || undefined, minimum: found.minimum || undefined,
    expires_on: draft.timeInForce === "gtd" ? draft.expiresOn : undefined, clearance: draft.clearance.trim() || undefined,
  });
  const words = `${SIDE_WORD[draft.side]} ${lotsText(found.quantity)} ${entry.symbol} ${isLimit ? `at ${priceText(instrument, found.price)}` : "at the market"}`;
  if (answer.ok) {
    const id = Number(answer.data["order_id"] ?? 0);
    ticket.accepted(`${words}: ${id > 0 ? `accepted as order ${id}` : "it had been accepted already, and counts once"}.`);
    say(`${words}: accepted.`);
  } else if (isUnknown(answer)) {
    ticket.unanswered(`${words}: no answer came. It may stand or not; sending it again is safe, it never trades twice.`);
  } else {
    ticket.refused(refusedField(answer.code, answer.text));
  }
}

/** What cannot be sent at all, as opposed to what the exchange would refuse. */
function isOfForm(field: string, found: Checked): boolean {
  if (field === "price") return found.price === 0;
  if (field === "quantity") return found.quantity === 0;
  return field === "trigger" || field === "minimum" || field === "expires_on";
}
