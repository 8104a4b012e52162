// The half of node.py that runs in Node.js: settings in, what people are to do out and back, a report at the end.
import { webcrypto } from "node:crypto";
import { createInterface } from "node:readline";

// Node.js 18, which Debian 12 has, keeps these two to itself.
globalThis.crypto ??= webcrypto;
globalThis.CryptoKey ??= webcrypto.CryptoKey;

export const settings = JSON.parse(process.argv[2]);

const input = createInterface({ input: process.stdin });
const lines = input[Symbol.asyncIterator]();

/** Let somebody at the school do something; the line that comes back. */
export async function ask(something) {
  console.log(JSON.stringify({ ask: something }));
  return (await lines.next()).value;
}

/** Send the school's browser to an address; the address at which the app gets its answer. */
export const throughBrowser = async (address) => new URL(await ask(String(address)));

export function report(found) {
  console.log(JSON.stringify({ report: found }));
  input.close();
}

/** What a call that must fail fails with: the OAuth error code, of a JSON answer or of a WWW-Authenticate header. */
export async function refusal(call) {
  try {
    await call;
  } catch (failed) {
    const challenge = Array.isArray(failed.cause) ? failed.cause[0].parameters.error : undefined;
    if (failed.error ?? challenge) return failed.error ?? challenge;
    throw failed;
  }
  return "accepted";
}

/** The app's private key, for private_key_jwt. */
export async function privateKey() {
  const { kid, ...jwk } = settings.private_jwk;
  const algorithm = jwk.kty === "OKP" ? { name: jwk.crv } : { name: "ECDSA", namedCurve: jwk.crv };
  const key = await crypto.subtle.importKey("jwk", jwk, algorithm, false, ["sign"]);
  return { key, kid };
}
