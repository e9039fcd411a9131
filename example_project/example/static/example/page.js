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

export function observe(step, { line, fields, body = "", refused = false }) {
  const kept = Object.entries(fields).map(([name, value]) => [name, shortened(value)]);
  const shown = { ...memory.get("shown"), [step]: { line, fields: kept, body, refused } };
  memory.set("shown", shown);
  show(shown, step);
}

export function show(shown, now) {
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
