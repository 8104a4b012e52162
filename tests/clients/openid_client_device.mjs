// openid-client: an agent on a school's server, which shows a code and waits (RFC 8628), its tokens bound to its key.
import * as client from "openid-client";

import { ask, refusal, report, settings } from "./conversation.mjs";

const config = await client.discovery(new URL(settings.issuer), settings.client_id, {}, client.None(), {
  execute: [client.allowInsecureRequests],
});
const keys = await client.randomDPoPKeyPair("ES256", { extractable: true });
const proof = { DPoP: client.getDPoPHandle(config, keys) };
const another = { DPoP: client.getDPoPHandle(config, await client.randomDPoPKeyPair()) };

const shown = await client.initiateDeviceAuthorization(config, {
  machine: "SRV-01",
  jwk: JSON.stringify(await crypto.subtle.exportKey("jwk", keys.publicKey)),
});
await ask(shown);
const tokens = await client.pollDeviceAuthorizationGrant(config, shown, undefined, proof);
const renewed = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, proof);

report({
  school: tokens.school,
  token_type: tokens.token_type,
  renewed_type: renewed.token_type,
  with_another_key: await refusal(client.refreshTokenGrant(config, tokens.refresh_token, undefined, another)),
  collected_twice: await refusal(client.pollDeviceAuthorizationGrant(config, { ...shown, interval: 1 }, undefined, proof)),
});
