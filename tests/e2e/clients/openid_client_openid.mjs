// openid-client (npm) as a relying party. The person's answers are read from standard input, one for each URL that is printed.

import * as client from "openid-client";
import readline from "node:readline/promises";

const { ISSUER, CLIENT_ID, CLIENT_SECRET, METHOD, PRIVATE_JWK, REDIRECT_URI, RESPONSE_TYPE } = process.env;
const privateKey = async () => {
  const jwk = JSON.parse(PRIVATE_JWK);
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  return { key: await crypto.subtle.importKey("jwk", jwk, algorithm, false, ["sign"]), kid: jwk.kid };
};
const auth = await {
  none: () => client.None(),
  client_secret_basic: () => client.ClientSecretBasic(CLIENT_SECRET),
  client_secret_post: () => client.ClientSecretPost(CLIENT_SECRET),
  client_secret_jwt: () => client.ClientSecretJwt(CLIENT_SECRET),
  private_key_jwt: async () => client.PrivateKeyJwt(await privateKey()),
}[METHOD]();
const answerType = {
  "code": () => {},
  "code id_token": client.useCodeIdTokenResponseType,
  "id_token": client.useIdTokenResponseType,
}[RESPONSE_TYPE];
const config = await client.discovery(new URL(ISSUER), CLIENT_ID, undefined, auth, {
  execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks, answerType], // signatures are verified too
});

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const nonce = client.randomNonce();
const state = client.randomState();
const asks = async (parameters) => {
  console.log(client.buildAuthorizationUrl(config, {
    redirect_uri: REDIRECT_URI, scope: "openid profile email offline_access", nonce, state, ...parameters,
  }).href);
  return new URL((await lines.next()).value);
};
const tells = (value) => { console.log(JSON.stringify(value)); process.exit(); };

if (RESPONSE_TYPE === "id_token") {
  const claims = await client.implicitAuthentication(config, await asks({}), nonce, { expectedState: state });
  tells({ subject: Boolean(claims.sub), name: claims.name });
}

const verifier = client.randomPKCECodeVerifier();
const challenge = { code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256" };
const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
const tokens = await client.authorizationCodeGrant(config, await asks({ ...challenge, prompt: "consent" }), checks);
const claims = tokens.claims();
const person = await client.fetchUserInfo(config, tokens.access_token, claims.sub); // compares sub
const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token);
const again = refreshed.claims();

const silent = { ...challenge, prompt: "none", max_age: "600", id_token_hint: tokens.id_token };
const silently = await client.authorizationCodeGrant(config, await asks(silent), { ...checks, maxAge: 600 });
tells({
  name: person.name,
  email: person.email,
  same: ["iss", "sub", "aud", "auth_time"].every((name) => again[name] === claims[name]),
  silent: ["sub", "auth_time"].every((name) => silently.claims()[name] === claims[name]),
});
