/** How the page is built, and served while it is worked on: `npm run dev -w web` beside `outcry up`. */

import { defineConfig } from "vitest/config";
import type { Connect, Plugin, PreviewServer, ViteDevServer } from "vite";
import solid from "vite-plugin-solid";

/** A gateway, and a ledger if there is one, of the market that the page is tried with. */
const GATEWAY = process.env["OUTCRY_GATEWAY"] ?? "http://127.0.0.1:8101";
const LEDGER = process.env["OUTCRY_LEDGER"] ?? "";

/** The policy that gateways send with the page: what breaks it shows while it is worked on. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self'";

function pageJson(): Plugin {
  const serve: Connect.NextHandleFunction = (request, response, next) => {
    if (request.url !== "/page.json") return next();
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify({ version: "development", ledger: LEDGER === "" ? null : "", oidc: null, zone: process.env["OUTCRY_ZONE"] ?? null }));
  };
  return {
    name: "page-json",
    configureServer: (server: ViteDevServer) => void server.middlewares.use(serve),
    configurePreviewServer: (server: PreviewServer) => {
      server.middlewares.use((_request, response, next) => {
        response.setHeader("Content-Security-Policy", POLICY);
        next();
      });
      server.middlewares.use(serve);
    },
  };
}

const proxy = {
  "/v1/stream": { target: GATEWAY, ws: true },
  ...(LEDGER === "" ? {} : { "/v1": { target: LEDGER } }),
};

export default defineConfig({
  plugins: [solid(), pageJson()],
  build: {
    target: "es2022",
    // Nothing may be inline: the policy allows neither data: scripts nor style attributes.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  worker: { format: "es" },
  server: { host: "127.0.0.1", proxy },
  preview: { host: "127.0.0.1", proxy },
  test: { environment: "node", include: ["src/**/*.test.ts"], server: { deps: { inline: ["openoutcry"] } } },
});
