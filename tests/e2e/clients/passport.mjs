// passport-openidconnect in an Express app, as its documentation sets it up. The address is printed; whoever visits /login is told who they are.

import express from "express";
import session from "express-session";
import passport from "passport";
import { Strategy } from "passport-openidconnect";

const { ISSUER, CLIENT_ID, CLIENT_SECRET, PORT } = process.env;
const origin = `http://127.0.0.1:${PORT}`;
const server = await (await fetch(`${ISSUER}/.well-known/openid-configuration`)).json();

passport.use(new Strategy({
  issuer: ISSUER,
  authorizationURL: server.authorization_endpoint,
  tokenURL: server.token_endpoint,
  userInfoURL: server.userinfo_endpoint,
  clientID: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  callbackURL: `${origin}/callback`,
  scope: ["profile", "email"],
}, (issuer, profile, done) => done(null, { issuer, id: profile.id, name: profile.displayName })));
passport.serializeUser((user, done) => done(null, user));
passport.deserializeUser((user, done) => done(null, user));

const app = express();
app.use(session({ secret: "of this test", resave: false, saveUninitialized: true }));
app.use(passport.session());
app.get("/login", passport.authenticate("openidconnect"));
app.get("/callback", passport.authenticate("openidconnect", { successRedirect: "/", failureMessage: true, failWithError: true }));
app.get("/", (request, response) => response.json(request.user ?? null));
app.use((error, request, response, next) => response.status(500).json({ error: String(error), why: request.session?.messages }));
app.listen(Number(PORT), "127.0.0.1", () => console.log(origin));
