// OpenID Connect Session Management section 3.2: a relying party sends "client_id session_state", and is told whether that still holds.
const cookie = document.currentScript.dataset.cookie;

addEventListener("message", async (message) => {
  if (!message.source || !/^https?:/.test(message.origin)) return;
  message.source.postMessage(await compare(message.data, message.origin), message.origin);
});

async function compare(data, origin) {
  const [, client, hashed, salt] = /^(.+) ([0-9a-f]{64})\.([0-9a-f]+)$/.exec(typeof data === "string" ? data : "") || [];
  const state = document.cookie.split("; ").find((one) => one.startsWith(`${cookie}=`))?.slice(cookie.length + 1);
  // Without the cookie, which a browser may keep from frames, nothing can be said: "changed" would have the relying party ask again and again.
  if (!client || !state) return "error";
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`${client} ${origin} ${state} ${salt}`));
  const found = Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return found === hashed ? "unchanged" : "changed";
}
