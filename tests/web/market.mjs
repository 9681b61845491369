/** A market of real processes, started by the command as a user would, and ended by its process id. */

import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { connect } from "openoutcry";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const START_MS = 120_000;
const STOP_MS = 40_000;
const TOKEN_S = 3_600;

/** Wait until something is so; what it returns, once that is true. */
export async function until(what, isSo, withinMs = 30_000) {
  const end = Date.now() + withinMs;
  for (;;) {
    const found = await isSo();
    if (found) return found;
    if (Date.now() > end) throw new Error(`not within ${withinMs / 1_000} s: ${what}`);
    await pause(50);
  }
}

export function pause(ms) {
  return new Promise((go) => setTimeout(go, ms));
}

function listens(port) {
  return new Promise((told) => {
    const server = createServer();
    server.once("error", () => told(0));
    server.listen(port, "127.0.0.1", () => {
      const found = server.address().port;
      server.close(() => told(found));
    });
  });
}

/** The first of so many ports in a row that nobody listens on. */
export async function freePorts(count = 1) {
  for (;;) {
    const first = await listens(0);
    const others = await Promise.all(Array.from({ length: count - 1 }, (_, at) => listens(first + 1 + at)));
    if (others.every((port) => port !== 0)) return first;
  }
}

export class Market {
  #process;
  #folder;
  #said = "";
  #secret = Buffer.alloc(0);
  #officers = null;

  /** `outcry up`; `instruments` is a listing, `environment` what all of its processes get. */
  static async start({ gateways = 1, bots = 0, hot = false, ledger = true, accounts = false, instruments = null, environment = {} } = {}) {
    const market = new Market();
    market.#folder = mkdtempSync(join(tmpdir(), "outcry-web-"));
    market.port = await freePorts(gateways);
    const words = ["up", "--gateways", `${gateways}`, "--port", `${market.port}`, "--bots", `${bots}`, "--engines", "1"];
    if (hot) words.push("--hot");
    if (accounts) words.push("--accounts");
    if (ledger) words.push("--ledger", `sqlite:///${join(market.#folder, "ledger.db")}`);
    const variables = { ...process.env, ...environment };
    if (instruments !== null) {
      variables.OUTCRY_INSTRUMENTS_FILE = join(market.#folder, "instruments.json");
      writeFileSync(variables.OUTCRY_INSTRUMENTS_FILE, JSON.stringify(instruments));
    }
    market.#process = spawn(join(ROOT, ".venv/bin/outcry"), words, { env: variables, stdio: ["ignore", "pipe", "pipe"] });
    let line = "";
    market.#process.stdout.on("data", (data) => (line += data));
    market.#process.stderr.on("data", (data) => (market.#said += data));
    try {
      await until("the market is ready", () => line.includes("\n") || market.#process.exitCode !== null, START_MS);
      if (!line.includes("\n")) throw new Error(`the market has ended: ${market.#said}`);
      Object.assign(market, JSON.parse(line));
      if (!("page" in market)) throw new Error("there is no page: make web");
      market.origin = new URL(market.page).origin;
      market.#secret = readFileSync(/--secret-file (\S+)/.exec(market.#said)[1]);
    } catch (error) {
      await market.stop();
      throw error;
    }
    return market;
  }

  /** A token of a user, signed as the gateways expect it. */
  mint(user, { seconds = TOKEN_S, roles = [] } = {}) {
    const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const claims = { sub: user, exp: Math.floor(Date.now() / 1_000) + seconds, ...(roles.length > 0 ? { roles } : {}) };
    const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
    return `${signed}.${createHmac("sha256", this.#secret).update(signed).digest("base64url")}`;
  }

  /** A program's connection, by the TypeScript client. */
  client(user, ...roles) {
    return connect(this.gateways, { token: this.mint(user, { roles }) });
  }

  /** Have actions proposed by one administrator and, where they need two, confirmed by another; once there are accounts. */
  async decide(name, ...actions) {
    this.#officers ??= await Promise.all(["officer-1", "officer-2"].map((user) => this.client(user, "admin")));
    const [one, other] = this.#officers;
    const { state } = await one.propose(name, actions);
    if (state === "proposed") await other.confirm(name);
  }

  /** Process ids of a part, by words of its command; our own market's alone. */
  pids(...words) {
    const found = [];
    for (const name of readdirSync("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0");
        const parent = Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${name}/status`, "utf8"))?.[1]);
        if (parent === this.#process.pid && words.every((word) => command.includes(word))) found.push(Number(name));
      } catch {
        // it has ended meanwhile
      }
    }
    return found;
  }

  async stop() {
    await Promise.all((this.#officers ?? []).map((client) => client.close()));
    const { pid, exitCode } = this.#process;
    if (exitCode === null && pid !== undefined) {
      process.kill(pid, "SIGTERM");
      await until("the market ends", () => this.#process.exitCode !== null || this.#process.signalCode !== null, STOP_MS);
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
