import { createHash, randomBytes } from "node:crypto";
import { env, stdin, stdout } from "node:process";
import { createInterface } from "node:readline/promises";

const issuer = env.ISSUER;
const schools = "<schools>";
const found = await fetch(`${issuer}/.well-known/oauth-authorization-server`);
const metadata = await found.json();

async function askForTokens(parameters) {
  const pair = [env.CLIENT_ID, env.CLIENT_SECRET].map(encodeURIComponent).join(":");
  const answer = await fetch(metadata.token_endpoint, {
    method: "POST",
    headers: { authorization: `Basic ${btoa(pair)}` },
    body: new URLSearchParams(parameters),
  });
  const body = await answer.json();
  if (!answer.ok) throw new Error(`${body.error}: ${body.error_description}`);
  return body;
}

async function readSchools(accessToken) {
  const answer = await fetch(schools, {
    headers: { authorization: `Bearer ${accessToken}` },
  });
  if (!answer.ok) throw new Error(answer.headers.get("www-authenticate"));
  return (await answer.json()).orgs;
}

// 1. Send the browser to Gatehouse; keep verifier and state in your session.
const verifier = randomBytes(32).toString("base64url");
const state = randomBytes(16).toString("base64url");
const address = new URL(metadata.authorization_endpoint);
address.search = new URLSearchParams({
  response_type: "code",
  client_id: env.CLIENT_ID,
  redirect_uri: env.REDIRECT_URI,
  scope: "school",
  state,
  code_challenge: createHash("sha256").update(verifier).digest("base64url"),
  code_challenge_method: "S256",
});
console.log("Open this address as an Estab Admin of the school:");
console.log(address.href);

// 2. The browser comes back with a code, the state, and who sent it (iss).
const terminal = createInterface({ input: stdin, output: stdout });
const pasted = await terminal.question("Paste the address that the browser was sent to:\n");
terminal.close();
const answer = Object.fromEntries(new URL(pasted).searchParams);
if (answer.iss !== issuer || answer.state !== state) {
  throw new Error("That is not the answer to this request.");
}
if (answer.error) throw new Error(`${answer.error}: ${answer.error_description}`);
let tokens = await askForTokens({
  grant_type: "authorization_code",
  code: answer.code,
  redirect_uri: env.REDIRECT_URI,
  code_verifier: verifier,
});
console.log("Connected", tokens.school.name, tokens.grant_id);

// 3. Read.
console.log(await readSchools(tokens.access_token));

// 4. Later: refresh, and keep the new refresh token, not the old one.
tokens = await askForTokens({
  grant_type: "refresh_token",
  refresh_token: tokens.refresh_token,
});
console.log((await readSchools(tokens.access_token))[0].name);
