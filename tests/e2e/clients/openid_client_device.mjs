// openid-client (npm) on a device without a browser (RFC 8628), with OpenID Connect. What the device shows is printed; nobody answers here: it polls.

import * as client from "openid-client";

const { ISSUER, CLIENT_ID, API, PROVES } = process.env;
const config = await client.discovery(new URL(ISSUER), CLIENT_ID, undefined, client.None(), {
  execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks], // the ID token's signature is verified too
});

const proving = PROVES ? { DPoP: client.getDPoPHandle(config, await client.randomDPoPKeyPair()) } : {};
const shown = await client.initiateDeviceAuthorization(config, { scope: "openid profile notes:read" });
console.log(JSON.stringify(shown));
try {
  const tokens = await client.pollDeviceAuthorizationGrant(config, shown, undefined, proving);
  const notes = await client.fetchProtectedResource(config, tokens.access_token, new URL(API), "GET", undefined, undefined, proving);
  const person = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, proving); // compares sub
  const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, proving);
  console.log(JSON.stringify({ type: tokens.token_type, api: notes.status, name: person.name, refreshed: Boolean(refreshed.access_token) }));
} catch (error) {
  if (!(error instanceof client.ResponseBodyError)) throw error;
  console.log(JSON.stringify({ error: error.error }));
}
