/** What every view may use: the market, trading, the deployment's settings and the ticket. */

import { createContext, useContext } from "solid-js";
import type { Accessor } from "solid-js";

import type { Desk, Entry } from "./desk.js";
import type { PageSettings } from "./pageSettings.js";
import type { TicketForm } from "./ticketForm.js";
import type { Trading } from "./trading.js";

export interface Shared {
  readonly desk: Desk;
  readonly trading: Trading;
  readonly settings: PageSettings;
  readonly ticket: TicketForm;
  /** The instrument that is looked at. */
  readonly selected: Accessor<string>;
  readonly select: (symbol: string) => void;
  readonly entry: Accessor<Entry>;
}

export const SharedContext = createContext<Shared>();

export function useShared(): Shared {
  const shared = useContext(SharedContext);
  if (shared === undefined) throw new Error("a view outside of the desk");
  return shared;
}
