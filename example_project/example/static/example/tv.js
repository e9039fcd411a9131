// A device without a keyboard (RFC 8628): it shows a code, and asks again and again until somebody has answered on another device.

import { OAuthClient, Refused } from "./client.js";
import { $, from, memory, observe, performing, say, show } from "./page.js";

const { issuer, clientId, qr } = document.body.dataset;
const api = `${issuer}/api/notes/`;
const ORDINARY = ["authorization_pending", "slow_down"]; // nothing is wrong: ask again
const client = new OAuthClient({ issuer, clientId, scope: "notes:read", observe: told });
const GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code";
let waiting = 0; // the timer of the next poll

// --- what is shown -----------------------------------------------------------------------------------------------

function told(step, message) {
  observe(step, { ...message, refused: message.refused && !ORDINARY.includes(message.fields.error) });
}

function offer() {
  const { device, tokens } = remembered();
  $("start").disabled = Boolean(device);
  $("poll").disabled = !device;
  $("read").disabled = !tokens;
  $("screen").hidden = !device;
  $("forget").hidden = !device && !tokens && !memory.get("shown");
  $("start").classList.toggle("button-main", !device && !tokens);
  $("read").classList.toggle("button-main", Boolean(tokens));
  if (device) draw(device);
  $("polls").replaceChildren(...(memory.get("polls") ?? []).map((text) => Object.assign(document.createElement("li"), { textContent: text })));
}

function draw({ user_code, verification_uri, verification_uri_complete }) {
  $("code").textContent = user_code;
  $("address").textContent = verification_uri.replace(/^https?:\/\//, "");
  const complete = verification_uri_complete ?? verification_uri;
  $("here").href = complete;
  const picture = `${qr}?${new URLSearchParams({ uri: complete })}`;
  if ($("qr").getAttribute("src") !== picture) $("qr").src = picture;
}

const remembered = () => ({ device: memory.get("device"), tokens: memory.get("tokens") });

// --- what is done ------------------------------------------------------------------------------------------------

async function start() {
  for (const name of ["shown", "polls", "tokens"]) memory.forget(name);
  show({});
  $("notes").replaceChildren();
  const { device_authorization_endpoint } = await client.metadata();
  const answer = await client.post(device_authorization_endpoint, { scope: client.scope }, ["A", "B"]);
  memory.set("device", { ...answer, interval: answer.interval ?? 5 });
  say("waiting");
  wait();
}

/** Section 3.5: ask no more often than the server said. */
function wait() {
  clearTimeout(waiting);
  waiting = setTimeout(perform(poll), memory.get("device").interval * 1000);
}

async function poll() {
  clearTimeout(waiting);
  const { device_code, interval } = memory.get("device");
  try {
    memory.set("tokens", await client.token({ grant_type: GRANT_TYPE, device_code }));
  } catch (problem) {
    if (problem.reason === "slow_down") memory.set("device", { ...memory.get("device"), interval: interval + 5 });
    note(problem.reason ?? "no answer");
    if (problem instanceof Refused && !ORDINARY.includes(problem.reason)) return end(problem);
    if (problem.reason === "slow_down") say("slower");
    return wait();
  }
  note("200 OK");
  memory.forget("device");
  say("connected");
}

function end(problem) {
  memory.forget("device");
  throw problem;
}

function note(outcome) {
  const polls = memory.get("polls") ?? [];
  const { interval } = memory.get("device");
  const soon = ORDINARY.includes(outcome) ? ` ${from("sayings", "again").replace("%s", interval)}` : "";
  memory.set("polls", [...polls, `${outcome}${soon}`].slice(-8));
}

async function read() {
  const notes = await client.call("GET", api, memory.get("tokens").access_token);
  $("notes").replaceChildren(...notes.map(({ text }) => Object.assign(document.createElement("li"), { textContent: text })));
  say("answered");
}

const perform = performing({ access_denied: "denied", expired_token: "expired", invalid_grant: "expired", invalid_token: "ended" }, offer);

// --- start -------------------------------------------------------------------------------------------------------

$("start").addEventListener("click", perform(start));
$("poll").addEventListener("click", perform(poll));
$("read").addEventListener("click", perform(read));
$("forget").addEventListener("click", () => {
  for (const name of ["shown", "polls", "device", "tokens"]) memory.forget(name);
  location.reload();
});

if (location.origin !== new URL(issuer).origin) location.replace(`${issuer}${location.pathname}`); // localhost and 127.0.0.1 remember apart
else {
  show(memory.get("shown") ?? {});
  const { device, tokens } = remembered();
  say(tokens ? "connected" : device ? "waiting" : "begin");
  if (device) wait();
  offer();
}
