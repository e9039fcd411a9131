// openid-client (npm) proves possession of its key (RFC 9449), pushes its request with a proof, and sees to nonces by itself.
// The person's answer is read from standard input.

import * as client from "openid-client";
import readline from "node:readline/promises";

const { ISSUER, CLIENT_ID, CLIENT_SECRET, METHOD, REDIRECT_URI, API } = process.env;
const auth = METHOD === "none" ? client.None() : client.ClientSecretBasic(CLIENT_SECRET);
const config = await client.discovery(new URL(ISSUER), CLIENT_ID, undefined, auth, {
  execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
});
const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair());

const verifier = client.randomPKCECodeVerifier();
const [state, nonce] = [client.randomState(), client.randomNonce()];
const url = await client.buildAuthorizationUrlWithPAR(config, {
  redirect_uri: REDIRECT_URI,
  scope: "openid profile notes:read offline_access",
  prompt: "consent",
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
  state,
  nonce,
}, { DPoP });
console.log(url.href);

const lines = readline.createInterface({ input: process.stdin });
const answer = new URL((await lines[Symbol.asyncIterator]().next()).value);
lines.close();
const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
const tokens = await client.authorizationCodeGrant(config, answer, checks, undefined, { DPoP });
const call = (token) => client.fetchProtectedResource(config, token, new URL(API), "GET", undefined, undefined, { DPoP });
const notes = await call(tokens.access_token);
const person = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP });
const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
const again = await call(refreshed.access_token);
const result = { type: tokens.token_type, api: notes.status, name: person.name, again: again.status };
if (METHOD !== "none") result.bound = Boolean((await client.tokenIntrospection(config, refreshed.access_token)).cnf?.jkt);
console.log(JSON.stringify(result));
