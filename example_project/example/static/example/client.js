// A public client of RFC 6749 with PKCE (RFC 7636), the issuer check of RFC 9207, refresh, and revocation (RFC 7009).
// It speaks the protocol and tells `observe` of each message; it knows nothing of the page.

export const base64url = (bytes) => btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
export const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
const digest = async (text) => base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))));

/** What a server or the person refused; `reason` is the protocol's word, or one of `wrong-state` and `wrong-issuer`. */
export class Refused extends Error {
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

export class OAuthClient {
  /** `observe(step, message)` is told of each message: its `line`, its `fields`, whether it was `refused`. */
  constructor({ issuer, clientId, redirectUri, scope, observe }) {
    Object.assign(this, { issuer, clientId, redirectUri, scope, observe });
  }

  /** The server's metadata, RFC 8414 section 3. */
  async metadata() {
    const { origin, pathname } = new URL(this.issuer);
    const response = await fetch(`${origin}/.well-known/oauth-authorization-server${pathname.replace(/\/$/, "")}`);
    const metadata = await response.json();
    if (metadata.issuer !== this.issuer) throw new Refused("wrong-issuer");
    return metadata;
  }

  /** (A): the address to send the person to, and what must be remembered until they come back. */
  async request(more = {}) {
    const { authorization_endpoint } = await this.metadata();
    const pending = { state: random(), verifier: random(), ...more };
    const params = {
      response_type: "code",
      client_id: this.clientId,
      redirect_uri: this.redirectUri,
      scope: this.scope,
      state: pending.state,
      code_challenge: await digest(pending.verifier),
      code_challenge_method: "S256",
      ...more,
    };
    this.observe("A", { line: `GET ${authorization_endpoint}`, fields: params });
    return { url: `${authorization_endpoint}?${new URLSearchParams(params)}`, pending };
  }

  /** (B): the code in the answer, once it is known to be the answer to `pending` and from the right server. */
  accept(answer, pending) {
    const reason = this.#doubt(answer, pending);
    this.observe("B", { line: `303 See Other\nLocation: ${this.redirectUri}`, fields: answer, refused: Boolean(reason) });
    if (reason) throw new Refused(reason);
    return answer.code;
  }

  /** (C) and (D): tokens for the code. */
  redeem(code, { verifier }) {
    return this.#token({ grant_type: "authorization_code", code, redirect_uri: this.redirectUri, code_verifier: verifier });
  }

  /** (C) and (D) again: tokens for the refresh token, which is spent by it. */
  refresh(refreshToken) {
    return this.#token({ grant_type: "refresh_token", refresh_token: refreshToken });
  }

  /** RFC 7009: give the refresh token back, and all that came from it. */
  async revoke(refreshToken) {
    const { revocation_endpoint } = await this.metadata();
    await this.#post(revocation_endpoint, { token: refreshToken, token_type_hint: "refresh_token" });
  }

  /** (E) and (F): a call to the protected API. */
  async call(method, url, accessToken, content) {
    const headers = { Authorization: `Bearer ${accessToken}` };
    if (content) headers["Content-Type"] = "application/json";
    const body = content && JSON.stringify(content);
    this.observe("E", { line: `${method} ${url}`, fields: headers, body });
    const response = await fetch(url, { method, headers, body });
    const text = await response.text();
    const challenge = response.headers.get("WWW-Authenticate");
    this.observe("F", {
      line: `${response.status} ${response.statusText}`,
      fields: challenge ? { "WWW-Authenticate": challenge } : {},
      body: text && JSON.stringify(JSON.parse(text), null, 2),
      refused: !response.ok,
    });
    if (!response.ok) throw new Refused(/error="(\w+)"/.exec(challenge)?.[1] ?? String(response.status));
    return text ? JSON.parse(text) : null;
  }

  #doubt(answer, pending) {
    if (!pending || answer.state !== pending.state) return "wrong-state";
    return answer.iss === this.issuer ? answer.error : "wrong-issuer";
  }

  async #token(params) {
    const { token_endpoint } = await this.metadata();
    return this.#post(token_endpoint, params);
  }

  async #post(url, params) {
    const form = { ...params, client_id: this.clientId };
    this.observe("C", { line: `POST ${url}`, fields: form });
    const response = await fetch(url, { method: "POST", body: new URLSearchParams(form) });
    const answer = await response.json().catch(() => ({}));
    this.observe("D", { line: `${response.status} ${response.statusText}`, fields: answer, refused: !response.ok });
    if (!response.ok) throw new Refused(answer.error);
    return answer;
  }
}
