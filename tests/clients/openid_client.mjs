// openid-client: the code grant from discovery to revocation, with whatever the app's profile asks for.
import * as client from "openid-client";

import { privateKey, refusal, report, settings, throughBrowser } from "./conversation.mjs";

const METHODS = {
  none: async () => client.None(),
  client_secret_basic: async () => client.ClientSecretBasic(settings.client_secret),
  client_secret_post: async () => client.ClientSecretPost(settings.client_secret),
  private_key_jwt: async () => client.PrivateKeyJwt(await privateKey()),
};
const authentication = await METHODS[settings.auth_method]();
const config = await client.discovery(new URL(settings.issuer), settings.client_id, {}, authentication, {
  algorithm: settings.algorithm,
  execute: [client.allowInsecureRequests],
});
const proof = settings.dpop && {
  DPoP: client.getDPoPHandle(config, await client.randomDPoPKeyPair(settings.dpop)),
};

async function read(token) {
  const answer = await client.fetchProtectedResource(
    config, token, new URL(settings.data), "GET", undefined, undefined, proof,
  );
  return (await answer.json()).orgs.map((school) => school.name);
}

const verifier = client.randomPKCECodeVerifier();
const state = client.randomState();
const request = {
  redirect_uri: settings.redirect_uris[0],
  scope: "school",
  resource: settings.issuer,
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
  state,
};
const address = settings.pushed
  ? await client.buildAuthorizationUrlWithPAR(config, request, proof)
  : client.buildAuthorizationUrl(config, request);
const back = await throughBrowser(address);
const redeem = () =>
  client.authorizationCodeGrant(config, back, { pkceCodeVerifier: verifier, expectedState: state }, undefined, proof);
const first = await redeem();
const names = await read(first.access_token);

const renewed = await client.refreshTokenGrant(config, first.refresh_token, undefined, proof);
const namesAgain = await read(renewed.access_token);
const last = renewed.refresh_token ?? first.refresh_token;

const isConfidential = settings.auth_method !== "none";
const introspected = isConfidential ? await client.tokenIntrospection(config, renewed.access_token) : null;
await client.tokenRevocation(config, last);
const afterwards = isConfidential ? await client.tokenIntrospection(config, renewed.access_token) : null;

report({
  supports_pkce: config.serverMetadata().supportsPKCE(),
  school: first.school,
  token_type: first.token_type,
  names,
  names_again: namesAgain,
  rotated: last !== first.refresh_token,
  thumbprint: await proof?.DPoP.calculateThumbprint(),
  introspected,
  afterwards,
  read_after_revocation: await refusal(read(renewed.access_token)),
  refresh_after_revocation: await refusal(client.refreshTokenGrant(config, last, undefined, proof)),
  replay: await refusal(redeem()),
});
