// openid-client (npm) registers itself, signs its authorization request, and signs the person out. What the browser is told to do is printed; where it
// was sent in the end is read from standard input.

import * as client from "openid-client";
import readline from "node:readline/promises";

const { ISSUER, PRIVATE_JWK, REDIRECT_URI, SIGNED_OUT_URI } = process.env;
const jwk = JSON.parse(PRIVATE_JWK);
const { d, ...publicJwk } = jwk;
const key = await crypto.subtle.importKey("jwk", jwk, { name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
const config = await client.dynamicClientRegistration(new URL(ISSUER), {
  client_name: "openid-client, registered by itself",
  redirect_uris: [REDIRECT_URI],
  post_logout_redirect_uris: [SIGNED_OUT_URI],
  token_endpoint_auth_method: "client_secret_post", // which the library uses, unless it is told another
  request_object_signing_alg: "ES256",
  require_signed_request_object: true,
  jwks: { keys: [publicJwk] },
}, undefined, { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks] });

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const leadsTo = async (url) => { console.log(url.href); return new URL((await lines.next()).value); };

const nonce = client.randomNonce();
const state = client.randomState();
const verifier = client.randomPKCECodeVerifier();
const asked = await client.buildAuthorizationUrlWithJAR(config, {
  redirect_uri: REDIRECT_URI,
  scope: "openid profile",
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
  nonce,
  state,
}, { key, kid: jwk.kid });
const tokens = await client.authorizationCodeGrant(config, await leadsTo(asked), {
  pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true,
});
const person = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);

const leaves = { post_logout_redirect_uri: SIGNED_OUT_URI, id_token_hint: tokens.id_token, state };
const left = await leadsTo(client.buildEndSessionUrl(config, leaves));
console.log(JSON.stringify({ name: person.name, state: left.searchParams.get("state") === state }));
process.exit();
