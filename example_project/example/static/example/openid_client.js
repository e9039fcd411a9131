// What OpenID Connect adds to the client: an ID token that is verified here, userinfo, and signing out.

import { OAuthClient, Refused, base64url, random } from "./client.js";

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
const json = (text) => JSON.parse(new TextDecoder().decode(bytes(text)));
const now = () => Date.now() / 1000;
const ALGORITHMS = {
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  ES256: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
};
const LEEWAY = 10; // seconds by which two clocks may differ

export class OpenIDClient extends OAuthClient {
  /** The provider's metadata, OpenID Connect Discovery section 4. */
  async metadata() {
    const metadata = await (await fetch(`${this.issuer}/.well-known/openid-configuration`)).json();
    if (metadata.issuer !== this.issuer) throw new Refused("wrong-issuer");
    return metadata;
  }

  /** (A): as OAuth has it, with a nonce that the ID token must repeat. */
  request(more = {}) {
    return super.request({ nonce: random(), ...more });
  }

  /** (E) and (F): the ID token's claims, once OpenID Connect Core section 3.1.3.7 is satisfied. `nonce`: undefined after a refresh. */
  async verify(idToken, { nonce, max_age } = {}, accessToken) {
    const [head, body] = idToken.split(".");
    const [header, claims] = [json(head), json(body)];
    this.observe("E", { line: "ID token, header", fields: header });
    const reason = (await this.#isSigned(idToken, header)) ? await this.#wrong(claims, { nonce, max_age }, accessToken) : "wrong-signature";
    this.observe("F", { line: "ID token, claims", fields: claims, refused: Boolean(reason) });
    if (reason) throw new Refused(reason);
    return claims;
  }

  /** (G) and (H): what the provider says of the person. It must be the person of the ID token (section 5.3.2). */
  async userinfo(accessToken, sub) {
    const { userinfo_endpoint } = await this.metadata();
    const headers = { Authorization: `Bearer ${accessToken}` };
    this.observe("G", { line: `GET ${userinfo_endpoint}`, fields: headers });
    const response = await fetch(userinfo_endpoint, { headers });
    const claims = await response.json().catch(() => ({}));
    const reason = response.ok ? (claims.sub === sub ? "" : "wrong-person") : "ended";
    const shown = Object.entries(claims).map(([name, value]) => [name, typeof value === "object" ? JSON.stringify(value, null, 2) : value]);
    this.observe("H", { line: `${response.status} ${response.statusText}`, fields: Object.fromEntries(shown), refused: Boolean(reason) });
    if (reason) throw new Refused(reason);
  }

  /** (I): the address that signs the person out, and the state with which they must come back. RP-Initiated Logout section 2. */
  async leave(idToken, back) {
    const { end_session_endpoint } = await this.metadata();
    const params = { id_token_hint: idToken, post_logout_redirect_uri: back, state: random() };
    this.observe("I", { line: `GET ${end_session_endpoint}`, fields: params });
    return { url: `${end_session_endpoint}?${new URLSearchParams(params)}`, state: params.state };
  }

  /** (J): back from there. */
  returned(answer, state) {
    const refused = answer.state !== state;
    this.observe("J", { line: `303 See Other\nLocation: ${this.redirectUri}`, fields: answer, refused });
    if (refused) throw new Refused("wrong-state");
  }

  async #isSigned(token, { alg, kid }) {
    const { jwks_uri } = await this.metadata();
    const { keys } = await (await fetch(jwks_uri)).json();
    const key = keys.find((one) => one.kid === kid);
    const algorithm = ALGORITHMS[alg];
    if (!key || !algorithm) return false;
    const [head, body, signature] = token.split(".");
    const imported = await crypto.subtle.importKey("jwk", key, algorithm, false, ["verify"]);
    return crypto.subtle.verify(algorithm, imported, bytes(signature), new TextEncoder().encode(`${head}.${body}`));
  }

  async #wrong(claims, { nonce, max_age }, accessToken) {
    if (claims.iss !== this.issuer) return "wrong-issuer";
    if (![claims.aud].flat().includes(this.clientId)) return "wrong-audience";
    if (claims.exp < now() - LEEWAY) return "expired";
    if (nonce !== undefined && claims.nonce !== nonce) return "wrong-nonce";
    if (max_age !== undefined && !(now() - claims.auth_time <= Number(max_age) + LEEWAY)) return "too-old";
    return !claims.at_hash || claims.at_hash === (await half(accessToken)) ? "" : "wrong-hash";
  }
}

/** The left half of the digest, section 3.1.3.6. */
async function half(text) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return base64url(new Uint8Array(digest).slice(0, 16));
}
