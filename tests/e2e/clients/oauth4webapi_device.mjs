// oauth4webapi (npm) on a device without a browser (RFC 8628). The address that the device shows is printed; nobody answers here: it polls.

import * as oauth from "oauth4webapi";
import { setTimeout as wait } from "node:timers/promises";

const { ISSUER, CLIENT_ID, CLIENT_SECRET, METHOD, API } = process.env;
const insecure = { [oauth.allowInsecureRequests]: true }; // the server under test speaks plain http on this device

const issuer = new URL(ISSUER);
const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...insecure }));
const client = { client_id: CLIENT_ID };
const auth = METHOD === "none" ? oauth.None() : oauth.ClientSecretBasic(CLIENT_SECRET);

const asked = await oauth.deviceAuthorizationRequest(as, client, auth, { scope: "notes:read" }, insecure);
const shown = await oauth.processDeviceAuthorizationResponse(as, client, asked);
console.log(JSON.stringify(shown));

let interval = shown.interval ?? 5;
const told = [];
let tokens;
while (!tokens) {
  await wait(interval * 1000);
  const response = await oauth.deviceCodeGrantRequest(as, client, auth, shown.device_code, insecure);
  try {
    tokens = await oauth.processDeviceCodeResponse(as, client, response);
  } catch (error) {
    if (!(error instanceof oauth.ResponseBodyError)) throw error;
    told.push(error.error);
    if (error.error === "slow_down") interval += 5;
    else if (error.error !== "authorization_pending") break;
  }
}
const result = { told: [...new Set(told)] };
if (tokens) {
  const notes = await oauth.protectedResourceRequest(tokens.access_token, "GET", new URL(API), undefined, undefined, insecure);
  const refreshed = await oauth.processRefreshTokenResponse(
    as, client, await oauth.refreshTokenGrantRequest(as, client, auth, tokens.refresh_token, insecure));
  const again = await oauth.deviceCodeGrantRequest(as, client, auth, shown.device_code, insecure);
  Object.assign(result, {
    api: notes.status, scope: tokens.scope, refreshed: Boolean(refreshed.access_token), again: (await again.json()).error,
  });
}
console.log(JSON.stringify(result));
