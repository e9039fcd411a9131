// Proof of possession (DPoP, RFC 9449): a key that cannot be taken out of this browser, and what it signs.

import { base64url, random } from "./client.js";

const CURVE = { name: "ECDSA", namedCurve: "P-256" };
const SIGNATURE = { name: "ECDSA", hash: "SHA-256" };
const bytes = (text) => new TextEncoder().encode(text);
const part = (value) => base64url(bytes(JSON.stringify(value)));
const sha256 = async (text) => base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes(text))));

/** What an API or a server demands of the next proof. */
const demands = (response, answer) =>
  answer?.error === "use_dpop_nonce" || /error="?use_dpop_nonce/.test(response.headers.get("WWW-Authenticate") ?? "");

export class Prover {
  #pair;
  #nonces = {}; // of the server and of the API, which need not be the same

  constructor(pair) {
    this.#pair = pair;
  }

  /** The prover of this browser: its key stays in IndexedDB, from which scripts may use it but not read it. */
  static async here() {
    const made = await stored();
    if (made) return new Prover(made);
    const pair = await crypto.subtle.generateKey(CURVE, false, ["sign"]);
    await stored(pair);
    return new Prover(pair);
  }

  /** Throw the key away: whatever is bound to it is worth nothing from now on. */
  static forget() {
    return stored(null);
  }

  async jwk() {
    const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", this.#pair.publicKey);
    return { kty, crv, x, y };
  }

  /** The thumbprint of the key, RFC 7638: the name by which tokens are bound to it. */
  async thumbprint() {
    const { kty, crv, x, y } = await this.jwk();
    return sha256(JSON.stringify({ crv, kty, x, y }));
  }

  /** Section 4.2: the proof for one request, in one piece and decoded. */
  async prove(method, url, accessToken) {
    const header = { typ: "dpop+jwt", alg: "ES256", jwk: await this.jwk() };
    const claims = { jti: random(), htm: method, htu: url.split(/[?#]/)[0], iat: Math.floor(Date.now() / 1000) };
    if (accessToken) claims.ath = await sha256(accessToken);
    const nonce = this.#nonces[this.#place(accessToken)];
    if (nonce) claims.nonce = nonce;
    const signed = `${part(header)}.${part(claims)}`;
    const signature = await crypto.subtle.sign(SIGNATURE, this.#pair.privateKey, bytes(signed));
    return { jwt: `${signed}.${base64url(new Uint8Array(signature))}`, header, claims };
  }

  /** Section 8: keep the nonce that came with an answer; whether the request has to be sent again with it. */
  learn(response, answer, accessToken) {
    const nonce = response.headers.get("DPoP-Nonce");
    if (nonce) this.#nonces[this.#place(accessToken)] = nonce;
    return Boolean(nonce) && demands(response, answer);
  }

  #place = (accessToken) => (accessToken ? "api" : "server");
}

/** The key pair that is kept; with *pair* it is kept from now on, with null no more. */
function stored(pair) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("proof", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("keys");
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const keys = opening.result.transaction("keys", "readwrite").objectStore("keys");
      const asking = pair === undefined ? keys.get("demo") : pair ? keys.put(pair, "demo") : keys.delete("demo");
      asking.transaction.oncomplete = () => {
        opening.result.close();
        resolve(pair === undefined ? asking.result : pair);
      };
      asking.transaction.onerror = () => reject(asking.error);
    };
  });
}
