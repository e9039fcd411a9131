// openid-client (npm), every step. The person's answer is read from standard input.

import * as client from "openid-client";
import readline from "node:readline/promises";

const { ISSUER, CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, API } = process.env;
const config = await client.discovery(new URL(ISSUER), CLIENT_ID, CLIENT_SECRET, client.ClientSecretBasic(CLIENT_SECRET), {
  algorithm: "oauth2",
  execute: [client.allowInsecureRequests],
});

const verifier = client.randomPKCECodeVerifier();
const state = client.randomState();
const url = client.buildAuthorizationUrl(config, {
  redirect_uri: REDIRECT_URI,
  scope: "notes:read",
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
  state,
});
console.log(url.href);

const lines = readline.createInterface({ input: process.stdin });
const answer = new URL((await lines[Symbol.asyncIterator]().next()).value);
lines.close();
const tokens = await client.authorizationCodeGrant(config, answer, { pkceCodeVerifier: verifier, expectedState: state });
const notes = await client.fetchProtectedResource(config, tokens.access_token, new URL(API), "GET");
const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token);
const seen = await client.tokenIntrospection(config, refreshed.access_token);
const own = await client.clientCredentialsGrant(config, { scope: "notes:read" });
await client.tokenRevocation(config, tokens.refresh_token);
const after = await client.tokenIntrospection(config, refreshed.access_token);
console.log(JSON.stringify({ api: notes.status, scope: tokens.scope, active: seen.active, own: own.scope, after: after.active }));
