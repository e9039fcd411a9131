// What the pages of the demo clients share: what they remember in this tab, and how a message is shown.

import { Refused } from "./client.js";

export const $ = (id) => document.getElementById(id);

const key = (name) => `${document.body.dataset.memory ?? ""}${name}`; // two clients live at this origin

export const memory = {
  get: (name) => JSON.parse(sessionStorage.getItem(key(name))),
  set: (name, value) => sessionStorage.setItem(key(name), JSON.stringify(value)),
  forget: (name) => sessionStorage.removeItem(key(name)),
};

export const from = (template, name) => $(template).content.querySelector(`[data-of="${CSS.escape(name)}"]`)?.textContent ?? "";
const shortened = (value) => String(value).replace(/[\w.-]{40,}/g, (long) => `${long.slice(0, 14)}…${long.slice(-4)}`);

const abridged = (name, value) => (typeof value === "string" && name !== "htu" ? shortened(value) : value);

export function observe(step, { line, fields, body = "", proof = null, refused = false }) {
  const kept = Object.entries(fields).map(([name, value]) => [name, shortened(value)]);
  const signed = proof && JSON.parse(JSON.stringify({ header: proof.header, claims: proof.claims }, abridged));
  const shown = { ...memory.get("shown"), [step]: { line, fields: kept, body, proof: signed, refused } };
  memory.set("shown", shown);
  show(shown, step);
}

export function show(shown, now) {
  for (const [step, message] of Object.entries(shown)) {
    $(`line-${step}`).textContent = message.line;
    $(`body-${step}`).textContent = message.body;
    $(`fields-${step}`).replaceChildren(...message.fields.flatMap(field));
    $(`proof-${step}`).replaceChildren(...(message.proof ? [proven("header", message.proof), proven("claims", message.proof)] : []));
  }
  for (const pair of document.querySelectorAll("[data-aside]")) pair.hidden = !(pair.dataset.aside in shown);
  for (const element of document.querySelectorAll("[data-step]")) {
    const { step } = element.dataset;
    element.classList.toggle("done", step in shown);
    element.classList.toggle("now", step === now);
    element.classList.toggle("refused", Boolean(shown[step]?.refused));
  }
}

/** A part of a proof, decoded. */
function proven(part, proof) {
  const title = Object.assign(document.createElement("h4"), { textContent: from("words", `proof-${part}`) });
  const code = Object.assign(document.createElement("pre"), { textContent: JSON.stringify(proof[part], null, 2) });
  const whole = document.createElement("div");
  whole.append(title, code);
  return whole;
}

function field([name, value]) {
  const term = Object.assign(document.createElement("dt"), { textContent: name });
  const given = Object.assign(document.createElement("dd"), { textContent: value, className: "value" });
  const word = Object.assign(document.createElement("dd"), { textContent: from("words", `${name}=${value}`) || from("words", name), className: "word" });
  return word.textContent ? [term, given, word] : [term, given];
}

export function say(name) {
  $("status").textContent = from("sayings", name);
}

/** Makes listeners of actions: what is refused is said, in the words that `reasons` has for it, and `offer` follows. */
export const performing = (reasons, offer) => (action) => async (event) => {
  event?.preventDefault();
  try {
    await action();
  } catch (problem) {
    if (!(problem instanceof Refused)) return reportError(problem);
    say(reasons[problem.reason] ?? "refused");
  } finally {
    offer();
  }
};
