// oauth4webapi: a token for the partner itself, verified as a JWT access token (RFC 9068) the way a resource server does.
import * as oauth from "oauth4webapi";

import { report, settings } from "./conversation.mjs";

const plain = { [oauth.allowInsecureRequests]: true };
const issuer = new URL(settings.issuer);
const app = { client_id: settings.client_id };
const proves = oauth.ClientSecretPost(settings.client_secret);
const as = await oauth.processDiscoveryResponse(
  issuer, await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...plain }),
);

const token = await oauth.processClientCredentialsResponse(
  as, app, await oauth.clientCredentialsGrantRequest(as, app, proves, { scope: "partner" }, plain),
);
const call = new Request(settings.data, { headers: { authorization: `Bearer ${token.access_token}` } });
const claims = await oauth.validateJwtAccessToken(as, call, settings.issuer, plain);
const read = await fetch(call);

report({ token, claims, read: read.status, challenge: read.headers.get("www-authenticate") });
