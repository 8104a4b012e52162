// openid-client: a token for the partner itself (client credentials), looked at and given back.
import * as client from "openid-client";

import { privateKey, report, settings } from "./conversation.mjs";

const authentication = settings.private_jwk
  ? client.PrivateKeyJwt(await privateKey())
  : client.ClientSecretBasic(settings.client_secret);
const config = await client.discovery(new URL(settings.issuer), settings.client_id, {}, authentication, {
  execute: [client.allowInsecureRequests],
});
const proof = settings.dpop && {
  DPoP: client.getDPoPHandle(config, await client.randomDPoPKeyPair(settings.dpop)),
};

const token = await client.clientCredentialsGrant(config, { scope: "partner" }, proof);
const introspected = await client.tokenIntrospection(config, token.access_token);
await client.tokenRevocation(config, token.access_token);
const afterwards = await client.tokenIntrospection(config, token.access_token);

report({ token, introspected, afterwards, thumbprint: await proof?.DPoP.calculateThumbprint() });
