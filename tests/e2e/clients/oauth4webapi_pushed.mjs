// oauth4webapi (npm) pushes its request (RFC 9126). The person's answer is read from standard input.

import * as oauth from "oauth4webapi";
import readline from "node:readline/promises";

const { ISSUER, CLIENT_ID, CLIENT_SECRET, METHOD, REDIRECT_URI, API } = process.env;
const insecure = { [oauth.allowInsecureRequests]: true }; // the server under test speaks plain http on this device

const issuer = new URL(ISSUER);
const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...insecure }));
const client = { client_id: CLIENT_ID };
const auth = METHOD === "none" ? oauth.None() : oauth.ClientSecretBasic(CLIENT_SECRET);

const verifier = oauth.generateRandomCodeVerifier();
const state = oauth.generateRandomState();
const request = {
  redirect_uri: REDIRECT_URI,
  response_type: "code",
  scope: "notes:read notes:write",
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
  state,
};
const push = async (changes) =>
  oauth.processPushedAuthorizationResponse(
    as, client, await oauth.pushedAuthorizationRequest(as, client, auth, { ...request, ...changes }, insecure));
const refused = await push({ redirect_uri: "https://elsewhere.example/" }).catch((error) => error.error);
const pushed = await push({});

const url = new URL(as.authorization_endpoint);
url.searchParams.set("client_id", CLIENT_ID);
url.searchParams.set("request_uri", pushed.request_uri);
console.log(url.href);

const lines = readline.createInterface({ input: process.stdin });
const answer = new URL((await lines[Symbol.asyncIterator]().next()).value);
lines.close();
const params = oauth.validateAuthResponse(as, client, answer, state); // compares state and iss
const exchanged = await oauth.authorizationCodeGrantRequest(as, client, auth, params, REDIRECT_URI, verifier, insecure);
const tokens = await oauth.processAuthorizationCodeResponse(as, client, exchanged);
const notes = await oauth.protectedResourceRequest(tokens.access_token, "GET", new URL(API), undefined, undefined, insecure);
console.log(JSON.stringify({ refused, lives: pushed.expires_in, api: notes.status, scope: tokens.scope }));
