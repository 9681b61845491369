/**
 * The company's login: OpenID Connect, the code flow with PKCE. Its library comes only where it is used.
 *
 * The token that the gateway takes is the access token. It is renewed before it ends, by the refresh token, or else by
 * asking the provider again without a word. Only over https, and on localhost: elsewhere browsers have no `crypto.subtle`.
 */

import type { User, UserManager } from "oidc-client-ts";

import type { PageSettings } from "./pageSettings.js";

/** Tokens of less are not worth it: they would be renewed all the time. */
export const TOKEN_S_MIN = 120;
/** A token is renewed so long before it ends. */
const RENEW_S = 60;

type Settings = NonNullable<PageSettings["oidc"]>;

export interface CompanyLogin {
  /** Send the browser to the provider. */
  readonly go: () => Promise<void>;
  /** Forget the login here. */
  readonly leave: () => Promise<void>;
}

/**
 * Get ready for the company's login; finish it if the provider has just sent the browser back.
 *
 * @param onToken Called with the first token, and with each newer one.
 * @param onTrouble Called with a sentence that says what is wrong.
 */
export async function companyLogin(settings: Settings, onToken: (token: string) => void, onTrouble: (text: string) => void): Promise<CompanyLogin> {
  const { UserManager, WebStorageStateStore } = await import("oidc-client-ts");
  const here = `${location.origin}${location.pathname}`;
  const manager: UserManager = new UserManager({
    authority: settings.issuer, client_id: settings.client_id, scope: settings.scope, redirect_uri: here, post_logout_redirect_uri: here, response_type: "code",
    userStore: new WebStorageStateStore({ store: sessionStorage }), stateStore: new WebStorageStateStore({ store: sessionStorage }),
    automaticSilentRenew: true, accessTokenExpiringNotificationTimeInSeconds: RENEW_S, includeIdTokenInSilentRenew: false, monitorSession: false, loadUserInfo: false,
  });
  const take = (user: User) => {
    if (user.expires_in !== undefined && user.expires_in < TOKEN_S_MIN) {
      manager.stopSilentRenew(); // each would be renewed as soon as it has come
      onTrouble(`The company's login gives tokens of ${user.expires_in} s; the page needs ${TOKEN_S_MIN} s at least. You will have to log in again. Ask its operator.`);
    }
    onToken(user.access_token);
  };
  manager.events.addUserLoaded(take);
  manager.events.addSilentRenewError((error) => onTrouble(`Your login could not be renewed: ${error.message}`));
  try {
    const query = new URLSearchParams(location.search);
    if (query.has("state") && (query.has("code") || query.has("error"))) {
      await manager.signinRedirectCallback(); // `addUserLoaded` takes the token
      history.replaceState(null, "", here);
    } else {
      const user = await manager.getUser();
      if (user !== null && user.expired !== true) take(user);
    }
  } catch (error) {
    history.replaceState(null, "", here);
    onTrouble(`The company's login failed: ${error instanceof Error ? error.message : String(error)}`);
  }
  return { go: () => manager.signinRedirect(), leave: () => manager.removeUser() };
}
