/** Times as people read them: in their own zone, with the exchange's beside. Given in Unix ms, or µs where the name says so. */

const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: string | undefined, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const name = `${zone} ${JSON.stringify(options)}`;
  const found = formats.get(name) ?? new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", ...options });
  formats.set(name, found);
  return found;
}

/** A moment so near is told without its day. */
const NEAR_MS = 20 * 3_600_000;
const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit" } as const;

/** "14:03:07"; without a zone in the user's own. */
export function clockText(ms: number, zone?: string): string {
  return Number.isFinite(ms) ? format(zone, CLOCK).format(ms) : "\u2013";
}

/** "14:03:07.123" of µs. */
export function preciseText(us: number, zone?: string): string {
  return us === 0 ? "\u2013" : `${clockText(us / 1_000, zone)}.${String(Math.floor(us / 1_000) % 1_000).padStart(3, "0")}`;
}

/** "30 Nov 2026, 14:03:07" of µs. */
export function momentText(us: number, zone?: string): string {
  return us === 0 ? "\u2013" : format(zone, { day: "numeric", month: "short", year: "numeric", ...CLOCK }).format(us / 1_000);
}

/** A moment that is ahead: its time alone if it is near, else with its day. */
export function aheadText(us: number, nowMs: number, zone?: string): string {
  return Math.abs(us / 1_000 - nowMs) < NEAR_MS ? clockText(us / 1_000, zone) : momentText(us, zone);
}

/** The zone's short name at a time: "CET", "UTC". */
export function zoneText(ms: number, zone?: string): string {
  if (!Number.isFinite(ms)) return "";
  return format(zone, { timeZoneName: "short", hour: "2-digit" }).formatToParts(ms).find(({ type }) => type === "timeZoneName")?.value ?? "";
}

/** How long is left: "1:05", "2:01:05", "4 days"; "any moment" once it is over, because a call ends at a moment that nobody knows. */
export function leftText(ms: number): string {
  if (ms <= 0) return "any moment";
  const seconds = Math.ceil(ms / 1_000);
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  if (hours >= 48) return `${Math.floor(hours / 24)} days`;
  const tail = String(seconds % 60).padStart(2, "0");
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}
