// oauth4webapi: the code grant step by step, each answer checked by the library, with whatever the app's profile asks for.
import * as oauth from "oauth4webapi";

import { privateKey, refusal, report, settings, throughBrowser } from "./conversation.mjs";

const METHODS = {
  none: async () => oauth.None(),
  client_secret_basic: async () => oauth.ClientSecretBasic(settings.client_secret),
  client_secret_post: async () => oauth.ClientSecretPost(settings.client_secret),
  private_key_jwt: async () => oauth.PrivateKeyJwt(await privateKey()),
};
const plain = { [oauth.allowInsecureRequests]: true };
const issuer = new URL(settings.issuer);
const app = { client_id: settings.client_id };
const proves = await METHODS[settings.auth_method]();
const proof = settings.dpop && oauth.DPoP(app, await oauth.generateKeyPair(settings.dpop));
const options = { ...plain, DPoP: proof };

/** The library says when the server wants its nonce in the proof; the app tries again, once. */
async function withNonce(call) {
  try {
    return await call();
  } catch (failed) {
    if (!oauth.isDPoPNonceError(failed)) throw failed;
    return call();
  }
}

const resource = await oauth.processResourceDiscoveryResponse(
  issuer, await oauth.resourceDiscoveryRequest(issuer, plain),
);
const as = await oauth.processDiscoveryResponse(
  issuer, await oauth.discoveryRequest(new URL(resource.authorization_servers[0]), { algorithm: "oauth2", ...plain }),
);

const read = (token) =>
  withNonce(async () => {
    const url = new URL(settings.data);
    const answer = await oauth.protectedResourceRequest(token, "GET", url, undefined, undefined, options);
    return (await answer.json()).orgs.map((school) => school.name);
  });

const push = (parameters) =>
  withNonce(async () =>
    oauth.processPushedAuthorizationResponse(
      as, app, await oauth.pushedAuthorizationRequest(as, app, proves, parameters, options),
    ),
  );

const verifier = oauth.generateRandomCodeVerifier();
const state = oauth.generateRandomState();
const redirectUri = settings.redirect_uris[0];
let request = {
  client_id: app.client_id,
  redirect_uri: redirectUri,
  response_type: "code",
  scope: "school",
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
  state,
};
if (settings.pushed) request = { client_id: app.client_id, request_uri: (await push(request)).request_uri };
const address = new URL(as.authorization_endpoint);
address.search = new URLSearchParams(request);
const back = oauth.validateAuthResponse(as, app, await throughBrowser(address), state);

const redeem = (codeVerifier) =>
  withNonce(async () =>
    oauth.processAuthorizationCodeResponse(
      as,
      app,
      await oauth.authorizationCodeGrantRequest(as, app, proves, back, redirectUri, codeVerifier, options),
    ),
  );
const refresh = (token) =>
  withNonce(async () =>
    oauth.processRefreshTokenResponse(
      as, app, await oauth.refreshTokenGrantRequest(as, app, proves, token, options),
    ),
  );
const introspect = async (token) =>
  oauth.processIntrospectionResponse(as, app, await oauth.introspectionRequest(as, app, proves, token, plain));

const guessed = await refusal(redeem(oauth.generateRandomCodeVerifier()));
const first = await redeem(verifier);
const names = await read(first.access_token);

const renewed = await refresh(first.refresh_token);
const namesAgain = await read(renewed.access_token);
const last = renewed.refresh_token ?? first.refresh_token;

const isConfidential = settings.auth_method !== "none";
const introspected = isConfidential ? await introspect(renewed.access_token) : null;
await oauth.processRevocationResponse(await oauth.revocationRequest(as, app, proves, last, plain));
const afterwards = isConfidential ? await introspect(renewed.access_token) : null;

report({
  scopes: resource.scopes_supported,
  guessed,
  school: first.school,
  token_type: first.token_type,
  names,
  names_again: namesAgain,
  rotated: last !== first.refresh_token,
  thumbprint: await proof?.calculateThumbprint(),
  introspected,
  afterwards,
  read_after_revocation: await refusal(read(renewed.access_token)),
  refresh_after_revocation: await refusal(refresh(last)),
});
