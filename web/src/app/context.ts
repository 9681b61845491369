/** What every view may use: the market, trading, the deployment's settings and the ticket. */

import { createContext, useContext } from "solid-js";
import type { Accessor } from "solid-js";

import type { Desk, Entry } from "./desk.js";
import type { Ledger } from "./ledger.js";
import type { PageSettings } from "./pageSettings.js";
import type { RuleNotes } from "./ruleNotes.js";
import type { TicketForm } from "./ticketForm.js";
import type { Trading } from "./trading.js";

export interface Shared {
  readonly desk: Desk;
  readonly trading: Trading;
  readonly settings: PageSettings;
  readonly ledger: Ledger;
  readonly ticket: TicketForm;
  /** Rules of the company that touch the user, as they were told. */
  readonly rules: RuleNotes;
  /** The instrument that is looked at. */
  readonly selected: Accessor<string>;
  readonly select: (symbol: string) => void;
  readonly entry: Accessor<Entry>;
  /** Whether a depth curve is in sight. */
  readonly wantsDepth: Accessor<boolean>;
  /** Get an order's receipt from the record, and verify it. */
  readonly showReceipt: (orderId: number) => void;
}

export const SharedContext = createContext<Shared>();

export function useShared(): Shared {
  const shared = useContext(SharedContext);
  if (shared === undefined) throw new Error("a view outside of the desk");
  return shared;
}
