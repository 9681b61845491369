/** What is set in the market and what waits, as the request `market` tells it: rows that begin with their kind. */

import { lotsText, moneyText } from "./money.js";

export interface RuleRow {
  readonly id: string;
  readonly kind: string;
  readonly groups: readonly string[];
  readonly instruments: readonly string[];
  /** µs; 0: at once, and without an end. */
  readonly from: number;
  readonly until: number;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly isDiscreet: boolean;
  readonly isInForce: boolean;
}

export interface ClearanceRow {
  readonly id: string;
  readonly user: string;
  readonly instrument: string;
  readonly side: string;
  readonly lots: number;
  readonly used: number;
  readonly from: number;
  readonly until: number;
}

export interface KillRow {
  readonly scope: string;
  readonly name: string;
  readonly since: number;
  readonly reason: string;
}

export interface ProposalRow {
  readonly id: string;
  readonly proposer: string;
  readonly time: number;
  readonly actions: readonly (readonly [name: string, fields: Readonly<Record<string, unknown>>])[];
}

export interface LimitsRow {
  readonly owner: string;
  readonly instrument: string;
  readonly limits: Readonly<Record<string, unknown>>;
}

export interface MarketSettings {
  readonly revision: number;
  readonly keepsAccounts: boolean;
  readonly needsTwo: boolean;
  readonly rules: readonly RuleRow[];
  readonly clearances: readonly ClearanceRow[];
  readonly kills: readonly KillRow[];
  readonly proposals: readonly ProposalRow[];
  readonly limits: readonly LimitsRow[];
  readonly groups: readonly { readonly user: string; readonly groups: readonly string[] }[];
  readonly calendars: readonly { readonly name: string; readonly days: number; readonly until: number }[];
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");
const number = (value: unknown): number => (typeof value === "number" ? value : typeof value === "bigint" ? Number(value) : 0);
const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? value.filter((each): each is string => typeof each === "string") : []);
const map = (value: unknown): Readonly<Record<string, unknown>> => (typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {});

/** Read rows; kinds that this page does not know are passed by. */
export function readSettings(revision: number, rows: readonly unknown[]): MarketSettings {
  const of = (kind: string) => rows.flatMap((row) => (Array.isArray(row) && row[0] === kind ? [row as unknown[]] : []));
  const market = of("market")[0] ?? [];
  return {
    revision,
    keepsAccounts: market[1] === true,
    needsTwo: market[2] !== false,
    rules: of("rule").map(([, id, kind, groups, instruments, from, until, parameters, isDiscreet, isInForce]) => ({
      id: text(id), kind: text(kind), groups: texts(groups), instruments: texts(instruments), from: number(from), until: number(until), parameters: map(parameters),
      isDiscreet: isDiscreet === true, isInForce: isInForce === true,
    })),
    clearances: of("clearance").map(([, id, user, instrument, side, lots, from, until, used]) => ({
      id: text(id), user: text(user), instrument: text(instrument), side: text(side), lots: number(lots), used: number(used), from: number(from), until: number(until),
    })),
    kills: of("kill").map(([, scope, name, since, reason]) => ({ scope: text(scope), name: text(name), since: number(since), reason: text(reason) })),
    proposals: of("proposal").map(([, id, proposer, time, actions]) => ({
      id: text(id), proposer: text(proposer), time: number(time),
      actions: (Array.isArray(actions) ? actions : []).map((action: unknown): [string, Readonly<Record<string, unknown>>] => (Array.isArray(action) ? [text(action[0]), map(action[1])] : ["", {}])),
    })),
    limits: of("limits").map(([, user, group, instrument, limits]) => ({
      owner: text(user) !== "" ? `user ${text(user)}` : text(group) !== "" ? `group ${text(group)}` : "everybody", instrument: text(instrument), limits: map(limits),
    })),
    groups: of("groups").map(([, user, groups]) => ({ user: text(user), groups: texts(groups) })),
    calendars: of("calendar").map(([, name, , days, until]) => ({ name: text(name), days: number(days), until: number(until) })),
  };
}

const ACTION_WORDS: Readonly<Record<string, string>> = {
  begin_accounts: "Begin accounts", list_instrument: "List an instrument", set_terms: "Set terms", set_schedule: "Plan days", end_call: "End a call", set_limits: "Set limits",
  set_groups: "Set groups", make_transfer: "Transfer", set_market_state: "Set state", end_orders: "End orders", set_settlement_price: "Set settlement price", set_kill: "Kill switch",
  set_rule: "Set rule", set_clearance: "Set clearance",
};

/** What of an action or a limit is money: millionths, which nobody should have to count. */
function isMoney(field: string, fields: Readonly<Record<string, unknown>>): boolean {
  return field === "order_value_max" || (field === "amount" && (fields["kind"] === "deposit" || fields["kind"] === "withdrawal"));
}

/** A limit's value as people read it. */
export function limitText(name: string, value: unknown): string {
  return isMoney(name, {}) ? moneyText(BigInt(number(value))) : typeof value === "number" ? lotsText(value) : String(value);
}

/** An action as a line: its name and the fields that say something. */
export function actionWords(name: string, fields: Readonly<Record<string, unknown>>): string {
  const shown = Object.entries(fields).flatMap(([field, value]) => {
    const words = isMoney(field, fields) ? moneyText(BigInt(number(value))) : valueWords(field, value);
    return words === "" ? [] : [`${field.replace(/_us$/, "").replace(/_/g, " ")} ${words}`];
  });
  return [ACTION_WORDS[name] ?? name, ...shown].join(", ");
}

function valueWords(field: string, value: unknown): string {
  if (value === null || value === undefined || value === "" || value === false) return "";
  if (/_us$|^available_from$/.test(field)) return number(value) === 0 ? "" : `${new Date(number(value) / 1_000).toISOString().slice(0, 19).replace("T", " ")} UTC`;
  if (Array.isArray(value)) return value.length > 6 ? `${value.length} of them` : value.map((each) => valueWords("", each)).join(" ");
  if (typeof value === "object") return Object.entries(map(value)).flatMap(([name, each]) => ((words) => (words === "" ? [] : [`${name.replace(/_/g, " ")} ${words}`]))(isMoney(name, {}) && each !== null ? limitText(name, each) : valueWords(name, each))).join(" ");
  return String(value);
}
