/** An instrument's state in a few words, where it is another than trading. */

import type { Status } from "openoutcry";

const CALL: Readonly<Record<string, string>> = {
  opening: "Opening call", closing: "Closing call", volatility: "Volatility call", reopening: "Reopening call", single: "Auction call", batch: "Batch auctions",
};

/** "" while it trades continuously. */
export function stateWord(status: Pick<Status, "state" | "phase"> | undefined): string {
  if (status === undefined) return "";
  const { state, phase } = status;
  if (state === "auction") return CALL[phase] ?? "Auction call";
  if (state === "open") return phase === "batch" ? "Batch auctions" : "";
  return state.charAt(0).toUpperCase() + state.slice(1);
}

/** A call's name, of an `auction` message's kind. */
export function callWord(kind: string): string {
  return CALL[kind] ?? "Auction call";
}

/** The same as a sentence, with its reason: "Halted: news pending". */
export function stateSentence(status: Pick<Status, "state" | "phase" | "reason"> | undefined): string {
  const word = stateWord(status) || "Trading";
  return status === undefined || status.reason === "" ? word : `${word}: ${reasonText(status.reason)}`;
}

/** Why orders are refused in this state, in sentences; "" where they are not. */
export function refusingSentence(status: Pick<Status, "state" | "phase" | "reason"> | undefined): string {
  if (status?.state === "delisted") return `${stateSentence(status)}. It is not listed any more.`;
  if (status?.state !== "halted" && status?.state !== "closed") return "";
  return `${stateSentence(status)}. Orders and changes are refused; cancelling works, and what rests stays.`;
}

function reasonText(reason: string): string {
  return reason === "sweep" ? "orders are being ended" : reason === "pending_settlement" ? "the settlement price is awaited" : reason;
}
