// The page around the client: what it remembers, what it shows, what its buttons do.
// Tokens live in this tab's session storage: fit for a demonstration. An app with more to lose keeps them on a server of its own.

import { OAuthClient } from "./client.js";
import { $, from, memory, observe, performing, say, show } from "./page.js";

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
  };
  for (const [id, can] of Object.entries(possible)) $(id).disabled = !can;
  $("forget").hidden = !tokens && !memory.get("old");
  $("connect").classList.toggle("button-main", !tokens);
  $("read").classList.toggle("button-main", Boolean(tokens));
}

// --- what is done ------------------------------------------------------------------------------------------------

async function prepare() {
  memory.set("shown", {});
  const { url, pending } = await client.request();
  memory.set("request", { url, pending });
}

async function connect() {
  if (!memory.get("request")) await prepare();
  location.assign(memory.get("request").url);
}

async function arrive(answer) {
  history.replaceState(null, "", location.pathname); // the code is nobody else's business
  const pending = memory.get("request")?.pending;
  memory.forget("request"); // answered once
  keep(await client.redeem(client.accept(answer, pending), pending));
  say("connected");
}

function keep(tokens) {
  const before = memory.get("tokens");
  if (before) memory.set("old", before.access_token);
  memory.set("tokens", tokens);
}

async function refresh() {
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
  memory.set("old", memory.get("tokens").access_token);
  memory.forget("tokens");
  list([]);
}

async function call(method, url = api, content = undefined, token = memory.get("tokens").access_token) {
  const answer = await client.call(method, url, token, content);
  say("answered");
  return answer;
}

async function read(token) {
  list(await call("GET", api, undefined, token));
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
$("forget").addEventListener("click", () => {
  sessionStorage.clear();
  location.reload();
});

const answer = Object.fromEntries(new URLSearchParams(location.search));
if (location.origin !== new URL(issuer).origin) location.replace(`${issuer}/demo/`); // localhost and 127.0.0.1 remember apart
else if (!crypto.subtle) say("insecure");
else if (answer.code || answer.error) {
  show(memory.get("shown") ?? {}, "B");
  perform(() => arrive(answer))();
} else if (memory.get("tokens") || memory.get("old")) {
  show(memory.get("shown") ?? {});
  say(memory.get("tokens") ? "connected" : "revoked");
  offer();
} else {
  say("begin");
  perform(prepare)();
}
