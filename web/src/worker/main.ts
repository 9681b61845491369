/** The worker's entry: the page's messages in, frames and answers out. */

import { standardDialer } from "openoutcry";

import { MarketWorker } from "./marketWorker.js";
import type { FromWorker, ToWorker } from "./protocol.js";

const scope = self as unknown as DedicatedWorkerGlobalScope;

const worker = new MarketWorker({
  post: (message: FromWorker) => scope.postMessage(message),
  dialer: standardDialer(WebSocket as unknown as Parameters<typeof standardDialer>[0]),
  now: () => performance.now(),
  wallMs: () => Date.now(),
  random: Math.random,
});

scope.addEventListener("message", ({ data }: MessageEvent<ToWorker>) => worker.hear(data));
setInterval(() => worker.tick(), MarketWorker.TICK_MS);
