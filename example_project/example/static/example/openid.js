// The page around the relying party: what it asks for, what it remembers, what its buttons do.

import { OpenIDClient } from "./openid_client.js";
import { $, memory, observe, performing, say, show } from "./page.js";

const { issuer, clientId, here } = document.body.dataset;
const client = new OpenIDClient({ issuer, clientId, redirectUri: here, scope: "openid profile email", observe });

const ASKED = {
  "sign-in": {},
  "ask-login": { prompt: "login" },
  "ask-none": { prompt: "none" },
  "ask-account": { prompt: "select_account" },
  "ask-age": { max_age: "60" },
  "ask-claims": { claims: JSON.stringify({ id_token: { email: { essential: true } }, userinfo: { phone_number: null, address: null } }) },
};

const REASONS = {
  access_denied: "denied",
  login_required: "nobody",
  interaction_required: "nobody",
  consent_required: "unproven",
  account_selection_required: "nobody",
  invalid_grant: "ended",
};
const WRONG = ["wrong-state", "wrong-issuer", "wrong-signature", "wrong-audience", "wrong-nonce", "wrong-hash", "wrong-person", "expired", "too-old", "ended"];
for (const reason of WRONG) REASONS[reason] ??= reason;

/** Each button where it can be pressed. */
function offer() {
  const tokens = memory.get("tokens");
  for (const id of Object.keys(ASKED)) $(id).disabled = false;
  $("refresh").disabled = !tokens?.refresh_token;
  $("userinfo").disabled = $("leave").disabled = !tokens;
  $("sign-in").classList.toggle("button-main", !tokens);
  $("userinfo").classList.toggle("button-main", Boolean(tokens));
  $("forget").hidden = !memory.get("shown");
}

async function ask(more) {
  memory.set("shown", {});
  const request = await client.request(more);
  memory.set("request", request);
  location.assign(request.url);
}

async function arrive(answer) {
  const pending = memory.get("request")?.pending;
  memory.forget("request"); // answered once
  await keep(await client.redeem(client.accept(answer, pending), pending), pending);
  say("verified");
}

async function keep(tokens, pending) {
  const claims = await client.verify(tokens.id_token, pending, tokens.access_token);
  memory.set("tokens", { ...memory.get("tokens"), ...tokens, sub: claims.sub });
}

async function refresh() {
  const { sub, refresh_token } = memory.get("tokens");
  await keep(await client.refresh(refresh_token));
  say(memory.get("tokens").sub === sub ? "refreshed" : "wrong-person");
}

async function userinfo() {
  const { access_token, sub } = memory.get("tokens");
  await client.userinfo(access_token, sub);
  say("known");
}

async function leave() {
  const { url, state } = await client.leave(memory.get("tokens").id_token, here);
  memory.set("leaving", state);
  location.assign(url);
}

async function comeBack(answer) {
  const state = memory.get("leaving");
  memory.forget("leaving");
  client.returned(answer, state);
  memory.forget("tokens");
  say("left");
}

const perform = performing(REASONS, offer);

for (const [id, more] of Object.entries(ASKED)) $(id).addEventListener("click", perform(() => ask(more)));
$("refresh").addEventListener("click", perform(refresh));
$("userinfo").addEventListener("click", perform(userinfo));
$("leave").addEventListener("click", perform(leave));
$("forget").addEventListener("click", () => {
  for (const name of ["shown", "tokens", "request", "leaving"]) memory.forget(name);
  location.reload();
});

const answer = Object.fromEntries(new URLSearchParams(location.search));
history.replaceState(null, "", location.pathname); // the code is nobody else's business
if (location.origin !== new URL(issuer).origin) location.replace(here); // localhost and 127.0.0.1 remember apart
else if (!crypto.subtle) say("insecure");
else {
  show(memory.get("shown") ?? {});
  if (answer.code || answer.error) perform(() => arrive(answer))();
  else if (answer.state && memory.get("leaving")) perform(() => comeBack(answer))();
  else {
    say(memory.get("tokens") ? "verified" : "begin");
    offer();
  }
}
