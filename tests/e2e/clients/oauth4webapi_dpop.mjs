// oauth4webapi (npm) proves possession of its key (RFC 9449). Where a server asks for a nonce, the request is sent once more, as its documentation shows.
// The person's answer is read from standard input.

import * as oauth from "oauth4webapi";
import readline from "node:readline/promises";

const { ISSUER, CLIENT_ID, CLIENT_SECRET, METHOD, REDIRECT_URI, API, ALG } = process.env;
const insecure = { [oauth.allowInsecureRequests]: true }; // the server under test speaks plain http on this device

const issuer = new URL(ISSUER);
const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: "oidc", ...insecure }));
const client = { client_id: CLIENT_ID };
const auth = METHOD === "none" ? oauth.None() : oauth.ClientSecretBasic(CLIENT_SECRET);
const DPoP = oauth.DPoP(client, await oauth.generateKeyPair(ALG)); // its private key cannot be taken out
const proving = { DPoP, ...insecure };

let nonces = 0;
const withNonce = async (send) => {
  try {
    return await send();
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error;
    nonces += 1;
    return send();
  }
};
const asks = (request, process) => withNonce(async () => process(as, client, await request()));

const verifier = oauth.generateRandomCodeVerifier();
const state = oauth.generateRandomState();
const nonce = oauth.generateRandomNonce();
const parameters = {
  client_id: CLIENT_ID,
  redirect_uri: REDIRECT_URI,
  response_type: "code",
  scope: "openid profile notes:read offline_access",
  prompt: "consent",
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
  dpop_jkt: await DPoP.calculateThumbprint(),
  state,
  nonce,
};
const url = new URL(as.authorization_endpoint);
for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
console.log(url.href);

const lines = readline.createInterface({ input: process.stdin });
const answer = new URL((await lines[Symbol.asyncIterator]().next()).value);
lines.close();
const params = oauth.validateAuthResponse(as, client, answer, state); // compares state and iss
const tokens = await asks(
  () => oauth.authorizationCodeGrantRequest(as, client, auth, params, REDIRECT_URI, verifier, proving),
  (...told) => oauth.processAuthorizationCodeResponse(...told, { expectedNonce: nonce, requireIdToken: true }));
const subject = oauth.getValidatedIdTokenClaims(tokens).sub;

const call = (token, options) => oauth.protectedResourceRequest(token, "GET", new URL(API), undefined, undefined, options);
const notes = await withNonce(() => call(tokens.access_token, proving));
const person = await asks(
  () => oauth.userInfoRequest(as, client, tokens.access_token, proving),
  (...told) => oauth.processUserInfoResponse(told[0], told[1], subject, told[2]));
const refreshed = await asks(
  () => oauth.refreshTokenGrantRequest(as, client, auth, tokens.refresh_token, proving), oauth.processRefreshTokenResponse);
const again = await withNonce(() => call(refreshed.access_token, proving));

const asked = nonces;
const challenge = async (promise) => {
  try {
    return (await promise).status;
  } catch (error) {
    return error.cause?.map?.((one) => `${one.scheme} ${one.parameters.error ?? ""}`.trim()) ?? error.error ?? error.code;
  }
};
const other = { DPoP: oauth.DPoP(client, await oauth.generateKeyPair(ALG)), ...insecure };
console.log(JSON.stringify({
  type: tokens.token_type,
  api: notes.status,
  name: person.name,
  again: again.status,
  nonces: asked,
  bearer: await challenge(call(refreshed.access_token, insecure)),
  another: await challenge(withNonce(() => call(refreshed.access_token, other))),
  stolen: METHOD === "none" ? await challenge(asks(
    () => oauth.refreshTokenGrantRequest(as, client, auth, refreshed.refresh_token, other), oauth.processRefreshTokenResponse)) : "",
}));
