// The page around the client: what it remembers, what it shows, what its buttons do.
// Tokens live in this tab's session storage: fit for a demonstration. An app with more to lose keeps them on a server of its own.

import { OAuthClient, Refused } from "./client.js";

const { issuer, clientId } = document.body.dataset;
const api = `${issuer}/api/notes/`;
const $ = (id) => document.getElementById(id);

const memory = {
  get: (name) => JSON.parse(sessionStorage.getItem(name)),
  set: (name, value) => sessionStorage.setItem(name, JSON.stringify(value)),
};

const client = new OAuthClient({ issuer, clientId, redirectUri: `${issuer}/demo/`, scope: "notes:read notes:write", observe });

// --- what is shown -----------------------------------------------------------------------------------------------

const from = (template, name) => $(template).content.querySelector(`[data-of="${CSS.escape(name)}"]`)?.textContent ?? "";
const shortened = (value) => String(value).replace(/[\w.-]{40,}/g, (long) => `${long.slice(0, 14)}…${long.slice(-4)}`);

function observe(step, { line, fields, body = "", refused = false }) {
  const kept = Object.entries(fields).map(([name, value]) => [name, shortened(value)]);
  const shown = { ...memory.get("shown"), [step]: { line, fields: kept, body, refused } };
  memory.set("shown", shown);
  show(shown, step);
}

function show(shown, now) {
  for (const [step, message] of Object.entries(shown)) {
    $(`line-${step}`).textContent = message.line;
    $(`body-${step}`).textContent = message.body;
    $(`fields-${step}`).replaceChildren(...message.fields.flatMap(field));
  }
  for (const element of document.querySelectorAll("[data-step]")) {
    const { step } = element.dataset;
    element.classList.toggle("done", step in shown);
    element.classList.toggle("now", step === now);
    element.classList.toggle("refused", Boolean(shown[step]?.refused));
  }
}

function field([name, value]) {
  const term = Object.assign(document.createElement("dt"), { textContent: name });
  const given = Object.assign(document.createElement("dd"), { textContent: value, className: "value" });
  const word = Object.assign(document.createElement("dd"), { textContent: from("words", name), className: "word" });
  return word.textContent ? [term, given, word] : [term, given];
}

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

function say(name) {
  $("status").textContent = from("sayings", name);
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
  sessionStorage.removeItem("request"); // answered once
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
  sessionStorage.removeItem("tokens");
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

/** *action* as a listener: what is refused is said, and the buttons follow. */
function perform(action) {
  return async (event) => {
    event?.preventDefault();
    try {
      await action();
    } catch (problem) {
      if (!(problem instanceof Refused)) return reportError(problem);
      say(REASONS[problem.reason] ?? "refused");
    } finally {
      offer();
    }
  };
}

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
