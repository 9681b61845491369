/** A small identity provider (OpenID Connect): discovery, code flow with PKCE, refresh tokens, keys. For tests alone. */

import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { createServer } from "node:http";

const CLIENT = "desk";
const AUDIENCE = "openoutcry";

function text(value) {
  return Buffer.from(value).toString("base64url");
}

export class IdentityProvider {
  #key = generateKeyPairSync("ec", { namedCurve: "P-256" });
  #codes = new Map();
  #refresh = new Map();
  /** Tokens given, each as what it was given for. */
  given = [];

  /** `seconds`: how long its tokens are good. */
  static async start({ seconds }) {
    const provider = new IdentityProvider();
    provider.seconds = seconds;
    provider.server = createServer((request, response) => void provider.#answer(request, response));
    await new Promise((listening) => provider.server.listen(0, "127.0.0.1", listening));
    provider.issuer = `http://127.0.0.1:${provider.server.address().port}`;
    return provider;
  }

  /** What a market needs to be told to believe it. */
  get environment() {
    return {
      OUTCRY_JWKS: `${this.issuer}/jwks`, OUTCRY_TOKEN_ISSUER: this.issuer, OUTCRY_TOKEN_AUDIENCE: AUDIENCE, OUTCRY_PAGE_OIDC_ISSUER: this.issuer,
      OUTCRY_PAGE_OIDC_CLIENT_ID: CLIENT, OUTCRY_PAGE_OIDC_SCOPE: "openid offline_access",
    };
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((closed) => this.server.close(closed));
  }

  async #answer(request, response) {
    const url = new URL(request.url, this.issuer);
    const json = (status, body) => {
      response.writeHead(status, { "Content-Type": "application/json", "Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*" });
      response.end(JSON.stringify(body));
    };
    if (request.method === "OPTIONS") return json(200, {});
    switch (url.pathname) {
      case "/.well-known/openid-configuration":
        return json(200, {
          issuer: this.issuer, authorization_endpoint: `${this.issuer}/authorize`, token_endpoint: `${this.issuer}/token`, jwks_uri: `${this.issuer}/jwks`,
          response_types_supported: ["code"], subject_types_supported: ["public"], id_token_signing_alg_values_supported: ["ES256"],
        });
      case "/jwks":
        return json(200, { keys: [{ ...this.#key.publicKey.export({ format: "jwk" }), kid: "one", alg: "ES256", use: "sig" }] });
      case "/authorize":
        return this.#authorize(url.searchParams, response);
      case "/token": {
        let body = "";
        for await (const part of request) body += part;
        return this.#token(new URLSearchParams(body), json);
      }
      default:
        return json(404, {});
    }
  }

  /** The page on which a user logs in: two names, and no password. */
  #authorize(query, response) {
    const isRight = query.get("client_id") === CLIENT && query.get("response_type") === "code" && query.get("code_challenge_method") === "S256";
    if (!isRight) {
      response.writeHead(400).end("wrong request");
      return;
    }
    const links = ["ann", "bob"].map((user) => {
      const code = randomBytes(16).toString("hex");
      this.#codes.set(code, { user, challenge: query.get("code_challenge"), redirect: query.get("redirect_uri"), nonce: query.get("nonce") });
      const back = new URL(query.get("redirect_uri"));
      back.searchParams.set("code", code);
      back.searchParams.set("state", query.get("state"));
      return `<p><a href="${back.href.replaceAll("&", "&amp;")}">Log in as ${user}</a></p>`;
    });
    response.writeHead(200, { "Content-Type": "text/html" }).end(`<!doctype html><title>Company login</title>${links.join("")}`);
  }

  #token(form, json) {
    const kind = form.get("grant_type");
    let granted;
    if (kind === "authorization_code") {
      granted = this.#codes.get(form.get("code"));
      this.#codes.delete(form.get("code")); // good once
      const proof = createHash("sha256").update(form.get("code_verifier") ?? "").digest("base64url");
      if (granted === undefined || granted.challenge !== proof || granted.redirect !== form.get("redirect_uri")) return json(400, { error: "invalid_grant" });
    } else {
      granted = this.#refresh.get(form.get("refresh_token"));
      this.#refresh.delete(form.get("refresh_token")); // rotated
      if (granted === undefined) return json(400, { error: "invalid_grant" });
    }
    const refresh = randomBytes(16).toString("hex");
    this.#refresh.set(refresh, granted);
    this.given.push(kind);
    const now = Math.floor(Date.now() / 1_000);
    const common = { iss: this.issuer, sub: granted.user, iat: now, exp: now + this.seconds };
    return json(200, {
      token_type: "Bearer", expires_in: this.seconds, refresh_token: refresh, scope: "openid offline_access",
      access_token: this.#signed({ ...common, aud: AUDIENCE, roles: ["trader"] }),
      id_token: this.#signed({ ...common, aud: CLIENT, ...(granted.nonce === null ? {} : { nonce: granted.nonce }) }),
    });
  }

  #signed(claims) {
    const head = text(JSON.stringify({ alg: "ES256", typ: "JWT", kid: "one" }));
    const signed = `${head}.${text(JSON.stringify(claims))}`;
    return `${signed}.${sign("sha256", Buffer.from(signed), { key: this.#key.privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
  }
}
