// A service made with the TypeScript SDK of the Model Context Protocol, which acts without asking anybody: by its secret, its key, or the grant of an
// identity provider, for which it prints where it is to be used.

import {
  Client, ClientCredentialsProvider, CrossAppAccessProvider, PrivateKeyJwtProvider, StreamableHTTPClientTransport,
} from "@modelcontextprotocol/client";
import readline from "node:readline/promises";

const { SERVER, ISSUER: expectedIssuer, CLIENT_ID: clientId, CLIENT_SECRET: clientSecret, KEY, BY } = process.env;
const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const providers = {
  secret: () => new ClientCredentialsProvider({ clientId, clientSecret, expectedIssuer }),
  key: () => new PrivateKeyJwtProvider({ clientId, privateKey: JSON.parse(KEY), algorithm: "ES256", expectedIssuer }),
  assertion: () => new CrossAppAccessProvider({
    clientId, clientSecret, expectedIssuer,
    assertion: async ({ authorizationServerUrl, resourceUrl }) => {
      console.log(`${authorizationServerUrl} ${resourceUrl}`);
      return (await lines.next()).value;
    },
  }),
};
const authProvider = providers[BY]();
const client = new Client({ name: "a service", version: "1" }, { versionNegotiation: { mode: "auto" } });
await client.connect(new StreamableHTTPClientTransport(new URL(SERVER), { authProvider }));
const result = await client.callTool({ name: "whoami", arguments: {} });
console.log(JSON.stringify({
  whoami: result.structuredContent?.result ?? result.structuredContent ?? JSON.parse(result.content[0].text),
  refreshes: Boolean(authProvider.tokens().refresh_token),
}));
process.exit();
