/**
 * Chromium as a person has it, over its DevTools protocol alone: Playwright and Puppeteer start it with flags against
 * throttling, and pretend that every page has the focus, so that nothing hides or freezes a page under them.
 */

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import WebSocket from "ws";

import { CHROMIUM, FLAGS } from "./desk.mjs";
import { until } from "./market.mjs";

export class Chromium {
  #asked = new Map();
  #next = 0;

  static async start() {
    const found = new Chromium();
    found.folder = mkdtempSync(join(tmpdir(), "outcry-chromium-"));
    const flags = ["--headless=new", "--remote-debugging-port=0", "--no-first-run", `--user-data-dir=${found.folder}`, ...FLAGS];
    found.process = spawn(CHROMIUM, [...flags, "about:blank"], { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    found.process.stderr.on("data", (data) => (said += data));
    const url = await until("the browser is there", () => /DevTools listening on (\S+)/.exec(said)?.[1]);
    found.socket = new WebSocket(url, { perMessageDeflate: false });
    await new Promise((open, failed) => found.socket.once("open", open).once("error", failed));
    found.socket.on("message", (data) => {
      const { id, result, error } = JSON.parse(data);
      const waiting = found.#asked.get(id);
      if (waiting === undefined) return; // an event
      found.#asked.delete(id);
      if (error === undefined) waiting.told(result);
      else waiting.failed(new Error(`${waiting.method}: ${error.message}`));
    });
    return found;
  }

  ask(method, params = {}, sessionId = undefined) {
    const id = ++this.#next;
    this.socket.send(JSON.stringify({ id, method, params, sessionId }));
    return new Promise((told, failed) => this.#asked.set(id, { method, told, failed }));
  }

  async open(url) {
    const { targetId } = await this.ask("Target.createTarget", { url });
    const { sessionId } = await this.ask("Target.attachToTarget", { targetId, flatten: true });
    return new Tab(this, targetId, sessionId);
  }

  async stop() {
    await this.ask("Browser.close");
    await until("the browser ends", () => this.process.exitCode !== null || this.process.signalCode !== null);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

class Tab {
  constructor(browser, targetId, sessionId) {
    Object.assign(this, { browser, targetId, sessionId });
  }

  ask(method, params) {
    return this.browser.ask(method, params, this.sessionId);
  }

  /** What an expression is; a promise is waited for. */
  async value(expression) {
    const { result, exceptionDetails } = await this.ask("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails !== undefined) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** Bring it before the others, which hides them. */
  show() {
    return this.browser.ask("Target.activateTarget", { targetId: this.targetId });
  }
}
