// openid-client: sign-in with Gatehouse (OpenID Connect), the ID token's signature verified against the published keys.
import * as client from "openid-client";

import { refusal, report, settings, throughBrowser } from "./conversation.mjs";

const config = await client.discovery(
  new URL(settings.issuer),
  settings.client_id,
  { id_token_signed_response_alg: settings.algorithm },
  client.ClientSecretBasic(settings.client_secret),
  { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks] },
);

/** One trip: what the library made of the ID token, after it has checked all that OpenID Connect says. */
async function signIn(more) {
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const expectedState = client.randomState();
  const expectedNonce = client.randomNonce();
  const address = client.buildAuthorizationUrl(config, {
    redirect_uri: settings.redirect_uris[0],
    scope: settings.scope,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
    state: expectedState,
    nonce: expectedNonce,
    ...more,
  });
  const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true, maxAge: more.max_age };
  return client.authorizationCodeGrant(config, await throughBrowser(address), checks);
}

const tokens = await signIn({ max_age: 600 });
const claims = tokens.claims();
const person = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
const again = await signIn({ prompt: "none", id_token_hint: tokens.id_token });

/** Out of the app and out of Gatehouse (RP-initiated logout). */
async function signOut() {
  const state = client.randomState();
  const left = await throughBrowser(
    client.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token,
      post_logout_redirect_uri: settings.post_logout_redirect_uri,
      state,
    }),
  );
  return {
    left: `${left.origin}${left.pathname}`,
    same_state: left.searchParams.get("state") === state,
    afterwards: await refusal(signIn({ prompt: "none" })),
  };
}

report({
  claims,
  person,
  same_person: again.claims().sub === claims.sub,
  signed_out: settings.post_logout_redirect_uri ? await signOut() : null,
});
