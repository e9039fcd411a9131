// A public client of RFC 6749 with PKCE (RFC 7636), the issuer check of RFC 9207, refresh and revocation (RFC 7009).
// Tokens live in this tab's session storage: good enough for a demo; a real app in a browser keeps them in memory or behind its own server.

const { issuer, clientId } = document.body.dataset;
const redirectUri = `${issuer}/demo/`;
const scope = "notes:read notes:write";
const api = `${issuer}/api/notes/`;
const $ = (id) => document.getElementById(id);

const memory = {
  get: (name) => JSON.parse(sessionStorage.getItem(name) ?? "null"),
  set: (name, value) => sessionStorage.setItem(name, JSON.stringify(value)),
};

const base64url = (bytes) => btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

// Outside a secure context (plain http elsewhere than on this device) browsers offer no digest.
async function challengeOf(verifier) {
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}

// --- what is shown -----------------------------------------------------------------------------------------------

const secretNames = /^(access_token|refresh_token|code|code_verifier|token)$/;
const shortened = (name, value) => (secretNames.test(name) && value.length > 24 ? `${value.slice(0, 14)}…${value.slice(-4)}` : value);

function fields(params) {
  return Object.entries(params).map(([name, value]) => `${name} = ${shortened(name, String(value))}`).join("\n");
}

function show(step, title, words, ...wire) {
  const article = document.createElement("article");
  article.className = "message";
  const heading = document.createElement("h2");
  const letter = document.createElement("b");
  letter.textContent = step;
  heading.append(letter, title);
  const explanation = document.createElement("p");
  explanation.textContent = words;
  const box = document.createElement("div");
  box.className = "wire";
  box.append(...wire.map((text) => Object.assign(document.createElement("pre"), { textContent: text })));
  article.append(heading, explanation, box);
  $("messages").append(article);
  light(step);
  return article;
}

function light(steps) {
  for (const item of document.querySelectorAll("#figure li")) {
    item.removeAttribute("aria-current");
    if (steps.includes(item.dataset.step)) {
      item.classList.add("done");
      item.setAttribute("aria-current", "step");
    }
  }
}

function say(words) {
  $("status").textContent = words;
}

function offer() {
  const tokens = memory.get("tokens");
  $("connect").disabled = Boolean(tokens);
  for (const id of ["read", "write"]) $(id).disabled = !tokens;
  for (const id of ["refresh", "revoke"]) $(id).disabled = !tokens?.refresh_token;
  $("use-revoked").disabled = !memory.get("old");
  $("forget").disabled = !tokens && !memory.get("old");
}

// --- the protocol ------------------------------------------------------------------------------------------------

async function metadata() {
  const { origin, pathname } = new URL(issuer);
  const response = await fetch(`${origin}/.well-known/oauth-authorization-server${pathname === "/" ? "" : pathname}`);
  const found = await response.json();
  if (found.issuer !== issuer) throw new Error("The metadata is another issuer's (RFC 8414 section 3.3).");
  return found;
}

async function connect() {
  const { authorization_endpoint } = await metadata();
  const pending = { verifier: random(), state: random() };
  memory.set("pending", pending);
  const params = {
    response_type: "code",
    client_id: clientId,
    redirect_uri: redirectUri,
    scope,
    state: pending.state,
    code_challenge: await challengeOf(pending.verifier),
    code_challenge_method: "S256",
  };
  memory.set("request", { url: authorization_endpoint, params });
  location.assign(`${authorization_endpoint}?${new URLSearchParams(params)}`);
}

async function arrive(answer) {
  const pending = memory.get("pending");
  const request = memory.get("request");
  history.replaceState(null, "", location.pathname);
  sessionStorage.removeItem("pending");
  if (request) show("A", "Authorization request", "Your browser was sent to the authorization server, where you signed in and were asked.", `GET ${request.url}\n\n${fields(request.params)}`);
  const card = show("B", "Authorization grant", "It sent your browser back here. state and iss are compared with what was asked, so nobody else's answer is taken.", `${redirectUri}?…\n\n${fields(answer)}`);
  if (!pending || answer.state !== pending.state) return refuse(card, "The state is not the one that was sent.");
  if (answer.iss !== issuer) return refuse(card, "The answer is another issuer's (RFC 9207).");
  if (answer.error) return refuse(card, answer.error === "access_denied" ? "You said no. Nothing was shared." : `${answer.error}: ${answer.error_description ?? ""}`);
  await token({ grant_type: "authorization_code", code: answer.code, redirect_uri: redirectUri, code_verifier: pending.verifier }, "Authorization grant", "The code, and the verifier that only this page knows.");
  await read();
}

async function token(params, title, words) {
  const { token_endpoint } = await metadata();
  const body = { ...params, client_id: clientId };
  const { response, answer } = await post(token_endpoint, body);
  const card = show("C", title, words, `POST ${token_endpoint}\n\n${fields(body)}`);
  const second = show("D", response.ok ? "Access token" : "Refused", response.ok ? `Good for ${answer.expires_in} seconds.` : "The server says what is wrong.", `${response.status}\n\n${fields(answer)}`);
  if (!response.ok) return refuse(second, answer.error);
  const before = memory.get("tokens");
  if (before) memory.set("old", before.access_token);
  memory.set("tokens", { ...before, ...answer });
  say("Connected.");
  light("CD");
  offer();
  return card;
}

async function call(method, body, tokenValue = memory.get("tokens").access_token) {
  const headers = { Authorization: `Bearer ${tokenValue}` };
  if (body) headers["Content-Type"] = "application/json";
  const response = await fetch(api, { method, headers, body: body && JSON.stringify(body) });
  show("E", "Access token", "The app calls the API with the token in the Authorization header.", `${method} ${api}\nAuthorization: Bearer ${shortened("token", tokenValue)}${body ? `\n\n${JSON.stringify(body)}` : ""}`);
  const challenge = response.headers.get("WWW-Authenticate");
  const text = await response.text();
  const card = show("F", response.ok ? "Protected resource" : "Refused", response.ok ? "The resource server found the token good for this." : "The resource server says why, as RFC 6750 section 3 has it.", `${response.status}${challenge ? `\nWWW-Authenticate: ${challenge}` : ""}\n\n${pretty(text)}`);
  if (!response.ok) card.classList.add("refused");
  light("EF");
  say(response.ok ? "The API answered." : "The API refused the token.");
  return response;
}

const read = () => call("GET");
const write = () => call("POST", { text: `Written by the demo client at ${new Date().toLocaleTimeString()}` });

async function refresh() {
  await token({ grant_type: "refresh_token", refresh_token: memory.get("tokens").refresh_token }, "Refresh", "A public client's refresh token works once; the answer brings the next.");
}

async function revoke() {
  const { revocation_endpoint } = await metadata();
  const tokens = memory.get("tokens");
  const body = { token: tokens.refresh_token, token_type_hint: "refresh_token", client_id: clientId };
  const { response } = await post(revocation_endpoint, body);
  show("C", "Revocation", "The app gives back its refresh token, and with it all that came from it (RFC 7009).", `POST ${revocation_endpoint}\n\n${fields(body)}`, `${response.status}`);
  memory.set("old", tokens.access_token);
  sessionStorage.removeItem("tokens");
  say("Revoked. The old token is worth nothing now: try it.");
  offer();
}

async function post(url, params) {
  const response = await fetch(url, { method: "POST", body: new URLSearchParams(params) });
  return { response, answer: await response.json() };
}

function refuse(card, words) {
  card.classList.add("refused");
  say(words);
  offer();
}

const pretty = (text) => {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
};

// --- start -------------------------------------------------------------------------------------------------------

const actions = {
  connect,
  read,
  write,
  refresh,
  revoke,
  "use-revoked": () => call("GET", undefined, memory.get("old")),
  forget: () => {
    sessionStorage.clear();
    location.reload();
  },
};
for (const [id, action] of Object.entries(actions)) {
  $(id).addEventListener("click", () => Promise.resolve(action()).catch((problem) => say(problem.message)));
}
say(memory.get("tokens") ? "Connected." : "Not connected yet.");
offer();
const answer = Object.fromEntries(new URLSearchParams(location.search));
if (answer.code || answer.error) arrive(answer).catch((problem) => say(problem.message));
