// The TypeScript SDK of the Model Context Protocol is given the address of a protected server, and does the rest. Where it sends the person is printed;
// where the person comes back to is read from standard input.

import { auth } from "@modelcontextprotocol/sdk/client/auth.js";
import readline from "node:readline/promises";

const { SERVER, REDIRECT_URI } = process.env;
const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

class Kept {
  get redirectUrl() { return REDIRECT_URI; }
  get clientMetadata() {
    return {
      client_name: "An editor",
      redirect_uris: [REDIRECT_URI],
      grant_types: ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
      response_types: ["code"],
      token_endpoint_auth_method: "none",
    };
  }
  state() { return "a state"; }
  clientInformation() { return this.client; }
  saveClientInformation(client) { this.client = client; }
  tokens() { return this.kept; }
  saveTokens(tokens) { this.kept = tokens; }
  codeVerifier() { return this.verifier; }
  saveCodeVerifier(verifier) { this.verifier = verifier; }
  redirectToAuthorization(url) { this.url = url; }
}

const ask = async (token) => (await fetch(SERVER, { headers: token ? { authorization: `Bearer ${token}` } : {} }));
const provider = new Kept();
const challenge = (await ask()).headers.get("www-authenticate");
const resourceMetadataUrl = new URL(challenge.match(/resource_metadata="([^"]+)"/)[1]);

const first = await auth(provider, { serverUrl: SERVER, resourceMetadataUrl });
console.log(provider.url.href);
const back = new URL((await lines.next()).value);
const then = await auth(provider, {
  serverUrl: SERVER, resourceMetadataUrl, authorizationCode: back.searchParams.get("code"), iss: back.searchParams.get("iss"),
});
const bought = provider.kept;
const api = (await ask(bought.access_token)).status;
const refreshed = await auth(provider, { serverUrl: SERVER, resourceMetadataUrl });
const after = (await ask(provider.kept.access_token)).status;
console.log(JSON.stringify({
  first, then, api, scope: bought.scope, resource: provider.url.searchParams.has("resource"), refreshed,
  rotated: provider.kept.refresh_token !== bought.refresh_token, after,
}));
process.exit();
