// The page around the client: what it remembers, what it shows, what its buttons do.
// Tokens live in this tab's session storage: fit for a demonstration. An app with more to lose keeps them on a server of its own.

import { OAuthClient } from "./client.js";
import { $, from, memory, observe, performing, say, show } from "./page.js";
import { Prover } from "./proof.js";

const { issuer, clientId } = document.body.dataset;
const api = `${issuer}/api/notes/`;
const client = new OAuthClient({ issuer, clientId, redirectUri: `${issuer}/demo/`, scope: "notes:read notes:write", observe });

// --- what is shown -----------------------------------------------------------------------------------------------

function list(notes) {
  $("notes").replaceChildren(...notes.map(({ id, text }) => {
    const item = Object.assign(document.createElement("li"), { textContent: text });
    const button = Object.assign(document.createElement("button"), { id: `delete-${id}`, type: "button", className: "link", textContent: from("sayings", "delete") });
    button.setAttribute("aria-label", `${button.textContent}: ${text}`);
    button.addEventListener("click", perform(() => remove(id)));
    item.append(button);
    return item;
  }));
}

/** What the server does not offer cannot be switched on. */
async function offerSwitches() {
  const metadata = await client.metadata();
  $("push").disabled = !metadata.pushed_authorization_request_endpoint;
  $("bind").disabled = !metadata.dpop_signing_alg_values_supported?.includes("ES256");
  for (const id of ["push", "bind"]) if ($(id).disabled) memory.forget(id);
}

/** Each button where it can be pressed; the next step's stands out. */
function offer() {
  const tokens = memory.get("tokens");
  const possible = {
    connect: true,
    refresh: tokens?.refresh_token,
    revoke: tokens?.refresh_token,
    read: tokens,
    text: tokens,
    write: tokens,
    "use-revoked": memory.get("old"),
    "use-bearer": tokens && schemeOf(tokens) === "DPoP",
  };
  for (const [id, can] of Object.entries(possible)) $(id).disabled = !can;
  for (const id of ["push", "bind"]) $(id).checked = Boolean(memory.get(id));
  $("forget").hidden = !tokens && !memory.get("old");
  $("connect").classList.toggle("button-main", !tokens);
  $("read").classList.toggle("button-main", Boolean(tokens));
}

const schemeOf = ({ token_type }) => (token_type.toLowerCase() === "dpop" ? "DPoP" : "Bearer");

// --- what is done ------------------------------------------------------------------------------------------------

async function prepare() {
  memory.set("shown", {});
  show({});
  const bound = Boolean(memory.get("bind"));
  await arm(bound);
  memory.set("request", { ...(await client.request({ push: Boolean(memory.get("push")) })), bound });
}

/** Let the client prove possession of this browser's key, or not. */
async function arm(bound) {
  client.prover = bound ? await Prover.here() : null;
}

/** A pushed request is sent when it is needed, since it is good for a short time. */
async function connect() {
  await prepare();
  const { url, params, push } = memory.get("request");
  location.assign(push ? await client.push(params) : url);
}

async function arrive(answer) {
  history.replaceState(null, "", location.pathname); // the code is nobody else's business
  const { pending, bound } = memory.get("request") ?? {};
  memory.forget("request"); // answered once
  await arm(bound);
  keep(await client.redeem(client.accept(answer, pending), pending));
  say(schemeOf(memory.get("tokens")) === "DPoP" ? "bound" : "connected");
}

function keep(tokens) {
  const before = memory.get("tokens");
  if (before) memory.set("old", before);
  memory.set("tokens", tokens);
}

async function refresh() {
  await arm(schemeOf(memory.get("tokens")) === "DPoP");
  try {
    keep(await client.refresh(memory.get("tokens").refresh_token));
  } catch (problem) {
    if (problem.reason === "invalid_grant") drop();
    throw problem;
  }
  say("refreshed");
}

async function revoke() {
  await client.revoke(memory.get("tokens").refresh_token);
  drop();
  say("revoked");
}

/** The tokens are worth nothing now; the old one is kept, to show what becomes of it. */
function drop() {
  memory.set("old", memory.get("tokens"));
  memory.forget("tokens");
  list([]);
}

async function call(method, url = api, content = undefined, tokens = memory.get("tokens"), scheme = schemeOf(tokens)) {
  await arm(scheme === "DPoP");
  const answer = await client.call(method, url, tokens.access_token, { content, scheme });
  say("answered");
  return answer;
}

async function read(tokens, scheme) {
  list(await call("GET", api, undefined, tokens, scheme));
}

/** What a thief could do with the token alone. */
async function steal() {
  try {
    await read(memory.get("tokens"), "Bearer");
  } catch (problem) {
    if (problem.reason !== "invalid_token") throw problem;
    say("useless");
  }
}

async function write() {
  const note = await call("POST", api, { text: $("text").value });
  $("writing").reset();
  list([note, ...shownNotes()]);
}

async function remove(id) {
  await call("DELETE", `${api}${id}/`);
  list(shownNotes().filter((note) => note.id !== id));
}

const shownNotes = () => [...$("notes").children].map((item) => ({ id: Number(item.lastChild.id.slice(7)), text: item.firstChild.textContent }));

const REASONS = {
  access_denied: "denied",
  invalid_grant: "ended",
  invalid_token: "unauthorized",
  insufficient_scope: "insufficient",
  "wrong-state": "wrong-state",
  "wrong-issuer": "wrong-issuer",
};

const perform = performing(REASONS, offer);

// --- start -------------------------------------------------------------------------------------------------------

$("connect").addEventListener("click", perform(connect));
$("refresh").addEventListener("click", perform(refresh));
$("revoke").addEventListener("click", perform(revoke));
$("read").addEventListener("click", perform(() => read()));
$("writing").addEventListener("submit", perform(write));
$("use-revoked").addEventListener("click", perform(() => read(memory.get("old"))));
$("use-bearer").addEventListener("click", perform(steal));
for (const id of ["push", "bind"]) {
  $(id).addEventListener("change", perform(async () => {
    memory.set(id, $(id).checked);
    await prepare();
    say("prepared");
  }));
}
$("forget").addEventListener("click", async () => {
  sessionStorage.clear();
  await Prover.forget();
  location.reload();
});

async function begin() {
  const answer = Object.fromEntries(new URLSearchParams(location.search));
  await offerSwitches();
  if (answer.code || answer.error) {
    show(memory.get("shown") ?? {}, "B");
    return arrive(answer);
  }
  say(memory.get("tokens") ? "connected" : memory.get("old") ? "revoked" : "begin");
  if (!memory.get("tokens") && !memory.get("old")) return prepare();
  show(memory.get("shown") ?? {});
}

if (location.origin !== new URL(issuer).origin) location.replace(`${issuer}/demo/`); // localhost and 127.0.0.1 remember apart
else if (!crypto.subtle) say("insecure");
else perform(begin)();
