// oauth4webapi (npm), every step, as its own documentation shows it. The person's answer is read from standard input.

import * as oauth from "oauth4webapi";
import readline from "node:readline/promises";

const { ISSUER, CLIENT_ID, CLIENT_SECRET, METHOD, REDIRECT_URI, API } = process.env;
const insecure = { [oauth.allowInsecureRequests]: true }; // the server under test speaks plain http on this device

const issuer = new URL(ISSUER);
const discovered = await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...insecure });
const as = await oauth.processDiscoveryResponse(issuer, discovered);
const resource = await oauth.processResourceDiscoveryResponse(issuer, await oauth.resourceDiscoveryRequest(issuer, insecure));
const client = { client_id: CLIENT_ID };
const auth = {
  none: () => oauth.None(),
  client_secret_basic: () => oauth.ClientSecretBasic(CLIENT_SECRET),
  client_secret_post: () => oauth.ClientSecretPost(CLIENT_SECRET),
}[METHOD]();

const verifier = oauth.generateRandomCodeVerifier();
const state = oauth.generateRandomState();
const url = new URL(as.authorization_endpoint);
for (const [name, value] of Object.entries({
  client_id: CLIENT_ID,
  redirect_uri: REDIRECT_URI,
  response_type: "code",
  scope: "notes:read notes:write",
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
  state,
})) url.searchParams.set(name, value);
console.log(url.href);

const lines = readline.createInterface({ input: process.stdin });
const answer = new URL((await lines[Symbol.asyncIterator]().next()).value);
lines.close();
const params = oauth.validateAuthResponse(as, client, answer, state); // compares state and iss
const exchanged = await oauth.authorizationCodeGrantRequest(as, client, auth, params, REDIRECT_URI, verifier, insecure);
const tokens = await oauth.processAuthorizationCodeResponse(as, client, exchanged);

const notes = await oauth.protectedResourceRequest(tokens.access_token, "GET", new URL(API), undefined, undefined, insecure);
const refreshed = await oauth.processRefreshTokenResponse(
  as, client, await oauth.refreshTokenGrantRequest(as, client, auth, tokens.refresh_token, insecure));

const result = { api: notes.status, scope: tokens.scope, offered: resource.scopes_supported, refreshed: Boolean(refreshed.access_token), rotated: refreshed.refresh_token !== tokens.refresh_token };
if (METHOD !== "none") {
  const seen = await oauth.introspectionRequest(as, client, auth, refreshed.access_token, insecure);
  result.active = (await oauth.processIntrospectionResponse(as, client, seen)).active;
}
await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, refreshed.refresh_token, insecure));
try {
  await oauth.protectedResourceRequest(refreshed.access_token, "GET", new URL(API), undefined, undefined, insecure);
} catch (error) {
  result.challenge = error.cause?.[0]?.parameters?.error; // parsed from WWW-Authenticate
  result.metadata = error.cause?.[0]?.parameters?.resource_metadata;
}
console.log(JSON.stringify(result));
