// Auth.js in an Express app, as its documentation sets it up. The address is printed. It reads ID tokens, and asks for no userinfo.

import { ExpressAuth, getSession } from "@auth/express";
import express from "express";

const { ISSUER, CLIENT_ID, CLIENT_SECRET, PORT } = process.env;
const origin = `http://127.0.0.1:${PORT}`;
const config = {
  secret: "of this test",
  trustHost: true,
  providers: [{ id: "ours", name: "Ours", type: "oidc", issuer: ISSUER, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET }],
};

const app = express();
app.use(/^\/auth\/(.*)/, ExpressAuth(config));
app.get("/", async (request, response) => response.json(await getSession(request, config)));
app.listen(Number(PORT), "127.0.0.1", () => console.log(origin));
