// A client of RFC 6749 with PKCE (RFC 7636), the issuer check of RFC 9207, refresh, and revocation (RFC 7009). It can push its request (RFC 9126)
// and bind its tokens to a key (RFC 9449). Speaks the protocol and tells `observe` of each message; it knows nothing of the page.

export const base64url = (bytes) => btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
export const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
const digest = async (text) => base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))));
const jsonOf = (response) => response.clone().json().catch(() => null);

/** What a server or the person refused; `reason` is the protocol's word, or one of `wrong-state` and `wrong-issuer`. */
export class Refused extends Error {
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

export class OAuthClient {
  /**
   * `observe(step, message)` is told of each message: its `line`, its `fields`, its `proof`, whether it was `refused`.
   * `prover` is a `Prover`, or null where tokens are not to be bound.
   */
  constructor({ issuer, clientId, redirectUri, scope, observe, prover = null }) {
    Object.assign(this, { issuer, clientId, redirectUri, scope, observe, prover });
  }

  /** The server's metadata, RFC 8414 section 3. */
  async metadata() {
    const { origin, pathname } = new URL(this.issuer);
    const response = await fetch(`${origin}/.well-known/oauth-authorization-server${pathname.replace(/\/$/, "")}`);
    const metadata = await response.json();
    if (metadata.issuer !== this.issuer) throw new Refused("wrong-issuer");
    return metadata;
  }

  /** (A): what will be asked for, and what must be remembered until the person comes back. With *push* it is not sent by the browser. */
  async request({ push = false, ...more } = {}) {
    const { authorization_endpoint, pushed_authorization_request_endpoint } = await this.metadata();
    const pending = { state: random(), verifier: random(), ...more };
    const params = {
      response_type: "code",
      client_id: this.clientId,
      redirect_uri: this.redirectUri,
      scope: this.scope,
      state: pending.state,
      code_challenge: await digest(pending.verifier),
      code_challenge_method: "S256",
      ...(this.prover && { dpop_jkt: await this.prover.thumbprint() }),
      ...more,
    };
    const url = `${authorization_endpoint}?${new URLSearchParams(params)}`;
    if (push) this.observe("A1", { line: `POST ${pushed_authorization_request_endpoint}`, fields: params });
    else this.observe("A", { line: `GET ${authorization_endpoint}`, fields: params });
    return { url, pending, params, push };
  }

  /** RFC 9126: send *params* from here, and let the browser carry a reference to them. */
  async push(params) {
    const { authorization_endpoint, pushed_authorization_request_endpoint } = await this.metadata();
    const { request_uri } = await this.post(pushed_authorization_request_endpoint, params, ["A1", "A2"]);
    const carried = { client_id: this.clientId, request_uri };
    this.observe("A", { line: `GET ${authorization_endpoint}`, fields: carried });
    return `${authorization_endpoint}?${new URLSearchParams(carried)}`;
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
    return this.token({ grant_type: "authorization_code", code, redirect_uri: this.redirectUri, code_verifier: verifier });
  }

  /** (C) and (D) again: tokens for the refresh token, which is spent by it. */
  refresh(refreshToken) {
    return this.token({ grant_type: "refresh_token", refresh_token: refreshToken });
  }

  /** RFC 7009: give the refresh token back, and all that came from it. */
  async revoke(refreshToken) {
    const { revocation_endpoint } = await this.metadata();
    await this.post(revocation_endpoint, { token: refreshToken, token_type_hint: "refresh_token" });
  }

  /** (E) and (F): a call to the protected API. *scheme*: how the token is shown; with `DPoP` a proof goes with it. */
  async call(method, url, accessToken, { content, scheme = "Bearer" } = {}) {
    const headers = { Authorization: `${scheme} ${accessToken}`, ...(content && { "Content-Type": "application/json" }) };
    const body = content && JSON.stringify(content);
    const bound = scheme === "DPoP" ? accessToken : undefined;
    const response = await this.#send({ method, url, headers, body }, { fields: headers, body }, ["E", "F"], { proving: Boolean(bound), bound });
    if (!response.ok) throw new Refused(/error="(\w+)"/.exec(response.headers.get("WWW-Authenticate"))?.[1] ?? String(response.status));
    return jsonOf(response);
  }

  #doubt(answer, pending) {
    if (!pending || answer.state !== pending.state) return "wrong-state";
    return answer.iss === this.issuer ? answer.error : "wrong-issuer";
  }

  /** A token request, with the proof that binds what it buys. */
  async token(params) {
    const { token_endpoint } = await this.metadata();
    return this.post(token_endpoint, params, ["C", "D"], { proving: Boolean(this.prover) });
  }

  /** A form, and the JSON that answers it. */
  async post(url, params, steps = ["C", "D"], { proving = false } = {}) {
    const form = { ...params, client_id: this.clientId };
    const response = await this.#send({ method: "POST", url, body: new URLSearchParams(form) }, { fields: form }, steps, { proving });
    const answer = (await jsonOf(response)) ?? {};
    if (!response.ok) throw new Refused(answer.error);
    return answer;
  }

  /** A request and its answer, each shown; once more where the answer names the nonce that a proof must have (RFC 9449 sections 8 and 9). */
  async #send({ method, url, headers, body }, shown, steps, { proving, bound, again = false }) {
    const proof = proving ? await this.prover.prove(method, url, bound) : null;
    const proven = proof ? { DPoP: proof.jwt } : {};
    const asked = { line: `${method} ${url}`, ...shown, fields: { ...shown.fields, ...proven }, proof };
    this.observe(steps[0], asked);
    const response = await fetch(url, { method, headers: { ...headers, ...proven }, body });
    const answer = await jsonOf(response);
    const nonceIsMissing = proving && this.prover.learn(response, answer, bound);
    const told = this.#told(response, answer, steps[1] === "F");
    if (!nonceIsMissing || again) {
      this.observe(steps[1], told);
      return response;
    }
    this.observe(`${steps[0]}0`, asked);
    this.observe(`${steps[1]}0`, told);
    return this.#send({ method, url, headers, body }, shown, steps, { proving, bound, again: true });
  }

  /** An answer as it is shown: a resource as it stands, what the server says member by member. */
  #told(response, answer, isResource) {
    const line = `${response.status} ${response.statusText}`;
    const named = ["WWW-Authenticate", "DPoP-Nonce"].filter((name) => response.headers.has(name));
    const headers = Object.fromEntries(named.map((name) => [name, response.headers.get(name)]));
    if (!isResource) return { line, fields: { ...headers, ...answer }, refused: !response.ok };
    return { line, fields: headers, body: answer ? JSON.stringify(answer, null, 2) : "", refused: !response.ok };
  }
}
