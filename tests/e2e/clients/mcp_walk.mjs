// An agent made with the TypeScript SDK of the Model Context Protocol is given the address of an MCP server, and does the rest. Where it sends the
// person is printed; where the person comes back to is read from standard input.

import { Client, StreamableHTTPClientTransport, UnauthorizedError } from "@modelcontextprotocol/client";
import readline from "node:readline/promises";

const { SERVER, AGENT, CLIENT, DOCUMENT } = process.env;
const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const metadata = JSON.parse(AGENT);
const way = [];

class Kept {
  constructor() { if (CLIENT) this.client = JSON.parse(CLIENT); }
  get redirectUrl() { return metadata.redirect_uris[0]; }
  get clientMetadata() { return metadata; }
  get clientMetadataUrl() { return DOCUMENT || undefined; }
  state() { return "a state"; }
  clientInformation() { return this.client; }
  saveClientInformation(client) { this.client = client; }
  tokens() { return this.kept; }
  saveTokens(tokens) { this.kept = tokens; }
  codeVerifier() { return this.verifier; }
  saveCodeVerifier(verifier) { this.verifier = verifier; }
  redirectToAuthorization(url) { this.url = url; }
}

const provider = new Kept();
const noted = async (url, init) => {
  const response = await fetch(url, init);
  way.push(`${init?.method ?? "GET"} ${new URL(url).pathname} ${response.status}`);
  return response;
};
const asked = [];
const isSent = async (transport) => {
  asked.push(Object.fromEntries(provider.url.searchParams));
  console.log(provider.url.href);
  const back = new URL((await lines.next()).value).searchParams;
  if (back.has("error")) throw new Error(back.get("error"));
  await transport.finishAuth(back);
};

let transport;
const connected = async () => {
  const client = new Client({ name: "an agent", version: "1" }, { versionNegotiation: { mode: "auto" } });
  transport = new StreamableHTTPClientTransport(new URL(SERVER), { authProvider: provider, fetch: noted });
  await client.connect(transport);
  return client;
};
const insisting = async (attempt) => {
  try { return await attempt(); } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
    await isSent(transport);
    return await attempt();
  }
};
const call = (client, name, args = {}) => client.callTool({ name, arguments: args });
const said = (result) => result.structuredContent?.result ?? result.structuredContent ?? JSON.parse(result.content[0].text);

const client = await insisting(connected);
const tools = (await client.listTools()).tools.map((tool) => tool.name).sort();
const before = said(await call(client, "whoami"));
let denied;
try { await insisting(() => call(client, "add_note", { text: "refused" })); } catch (error) { denied = error.message; }
const written = said(await insisting(() => call(client, "add_note", { text: "Milk" })));
const after = said(await call(client, "whoami"));
const old = provider.kept;
provider.kept = { ...old, access_token: "too-old" };
const refreshed = said(await insisting(() => call(client, "whoami")));
console.log(JSON.stringify({
  tools, before, denied, written, after, refreshed, asked, way, client_id: provider.client.client_id,
  rotated: provider.kept.refresh_token !== old.refresh_token,
}));
process.exit();
