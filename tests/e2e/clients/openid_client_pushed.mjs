// openid-client (npm) pushes its request (RFC 9126), signed where it has a key. The person's answer is read from standard input.

import * as client from "openid-client";
import readline from "node:readline/promises";

const { ISSUER, CLIENT_ID, CLIENT_SECRET, METHOD, PRIVATE_JWK, REDIRECT_URI } = process.env;
const jwk = JSON.parse(PRIVATE_JWK);
const key = {
  key: await crypto.subtle.importKey("jwk", jwk, { name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]),
  kid: jwk.kid,
};
const auth = {
  none: () => client.None(),
  client_secret_post: () => client.ClientSecretPost(CLIENT_SECRET),
  private_key_jwt: () => client.PrivateKeyJwt(key),
}[METHOD]();
const config = await client.discovery(new URL(ISSUER), CLIENT_ID, undefined, auth, {
  execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
});

const verifier = client.randomPKCECodeVerifier();
const [state, nonce] = [client.randomState(), client.randomNonce()];
const parameters = {
  redirect_uri: REDIRECT_URI,
  scope: "openid profile",
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
  state,
  nonce,
};
const signed = async () => (await client.buildAuthorizationUrlWithJAR(config, parameters, key)).searchParams;
const url = await client.buildAuthorizationUrlWithPAR(config, METHOD === "private_key_jwt" ? await signed() : parameters);
console.log(url.href);

const lines = readline.createInterface({ input: process.stdin });
const answer = new URL((await lines[Symbol.asyncIterator]().next()).value);
lines.close();
const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
const tokens = await client.authorizationCodeGrant(config, answer, checks);
const person = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
console.log(JSON.stringify({ sent: [...url.searchParams.keys()].sort(), name: person.name }));
