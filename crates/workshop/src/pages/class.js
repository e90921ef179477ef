// The class page for the projector: one question, and its votes and its answer when the teacher shows them.

import { answer, ask, draw, every, say } from "./common.js";

const POLL_MS = 2000;
/** The name under which raised hands are saved, with one vote per answer. */
const HANDS = "hands";

const asked = document.querySelector("#asked");
const votes = document.querySelector("#votes");
const known = document.querySelector("#answer");
const text = document.querySelector("#text");
const count = document.querySelector("#count");
const chart = document.querySelector("#chart");
const details = document.querySelector("#known");
const hands = [...document.querySelectorAll("form.hands")];
const said = document.querySelector("#hands .said");

const isOn = (button) => button.getAttribute("aria-pressed") === "true";
const press = (button, on) => button.setAttribute("aria-pressed", String(on));

async function look() {
  if (!asked.value) return;
  const id = asked.value;
  const path = `votes/${encodeURIComponent(id)}?show=all${isOn(known) ? "" : "&answer=hidden"}`;
  const { ok, body } = await ask(path);
  // Another question may have been chosen in the meantime.
  if (asked.value !== id) return;
  if (!ok) return say(count, body, true);
  text.textContent = body.text;
  say(count, `${body.before} predicted${body.after > 0 ? `, ${body.after} answered again` : ""}`);
  chart.hidden = !isOn(votes) && !isOn(known);
  if (!chart.hidden) draw(chart, body.svg);
  const now = JSON.stringify(body.known);
  if (details.dataset.shown !== now) details.replaceChildren(...(body.known ? [answer(body)] : []));
  details.dataset.shown = now;
}

function choose() {
  press(votes, false);
  press(known, false);
  for (const form of hands) form.hidden = form.dataset.question !== asked.value;
  say(said, "");
  if (asked.value) history.replaceState(null, "", `#${encodeURIComponent(asked.value)}`);
  look();
}

async function raise(form, round) {
  const number = form.querySelector("[name=number]");
  for (const field of form.querySelectorAll("[data-answer]")) {
    if (field.value === "" || (number && number.value === "")) continue;
    const value = number ? Number(number.value) : field.dataset.answer;
    const vote = { question: form.dataset.question, round, who: HANDS, answer: value, count: Number(field.value) };
    const { ok, body } = await ask("votes", vote);
    if (!ok) return say(said, body, true);
  }
  form.reset();
  say(said, `Counted (${round}).`);
  await look();
}

for (const button of [votes, known]) {
  button.addEventListener("click", () => { press(button, !isOn(button)); look(); });
}
for (const form of hands) {
  form.addEventListener("submit", (event) => { event.preventDefault(); raise(form, event.submitter?.value ?? "before"); });
}
asked.addEventListener("change", choose);
const wanted = decodeURIComponent(location.hash.slice(1));
if ([...asked.options].some((option) => option.value === wanted)) asked.value = wanted;
choose();
every(POLL_MS, look);
