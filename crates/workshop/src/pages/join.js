// The page on which learners join, on a phone or a laptop: it shows what the class is at, and takes the votes.

import { answer, ask, below, device, draw, element, onName, say, setName, who, width } from "./common.js";
import { follow, onState, refresh, setFollowing, setSignal } from "./follow.js";
import { answerIn, isWaiting, vote } from "./votes.js";

const title = document.querySelector("#title");
const enter = document.querySelector("#enter");
const you = document.querySelector("#you");
const stage = document.querySelector("#stage");
const signals = document.querySelector("#signals");
const signalButtons = [...signals.querySelectorAll("button")];

/** What each step asks of a learner who has voted, or cannot vote. */
const HINTS = {
  join: "Look at the projector: it starts in a moment.",
  discuss: "Talk to your neighbor: why did you choose differently?",
  run: "The class measures. Look at the projector.",
};

enter.addEventListener("submit", (event) => {
  event.preventDefault();
  setName(enter.elements.name.value);
  setFollowing(true);
  refresh();
});
enter.elements.name.value = who();
onName(() => { enter.elements.name.value = who(); });

for (const button of signalButtons) {
  button.addEventListener("click", () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    for (const other of signalButtons) other.setAttribute("aria-pressed", String(other === button && on));
    setSignal(on ? button.dataset.signal : "none");
  });
}

/** What is on the stage; if it has not changed, the page stays as it is, and nothing that was typed is lost. */
let shown = "";

async function show(now, problem) {
  const name = now.you?.name;
  enter.hidden = Boolean(who());
  signals.hidden = !name;
  title.textContent = name ? "The class" : "Join the class";
  say(you, problem || hello(name), Boolean(problem));
  stage.hidden = !name;
  if (!name) return;
  const { question } = now;
  // While votes arrive, the page stays still: nobody sees what others choose, and nothing that is typed is lost.
  const tally = question && question.shown !== "nothing" && !question.round ? await results(question.id) : null;
  const key = JSON.stringify([now.step, now.led, question?.id, question?.yours, question && isWaiting(question.id), tally]);
  if (key === shown) return;
  shown = key;
  stage.replaceChildren(...(question ? asked(question, now.step, tally) : waiting(now)));
}

function hello(name) {
  if (!name) return "";
  return name === who() ? `You are ${name}.` : `You are ${name}: somebody else here is ${who()}.`;
}

function waiting({ led }) {
  const text = led ? HINTS.join : "Nobody leads the class right now. You can read the chapters alone.";
  const link = element("p");
  link.append(element("a", "The chapters", { href: below("../workshop") }));
  return [element("p", text, { class: "hint" }), link];
}

/** The question, and below it the form, the votes or the answer. */
function asked(question, step, tally) {
  const heading = element("h2", question.text);
  const parts = [heading];
  const mine = question.yours[question.round ?? "after"] ?? (question.round ? null : question.yours.before);
  const isOpen = question.round !== null && !isWaiting(question.id);
  if (isOpen && (mine === null || question.round === "after")) parts.push(form(question, mine));
  else parts.push(element("p", status(question, step, mine), { class: "hint" }));
  if (!isOpen && !tally && question.choices.length > 0) parts.push(choices(question));
  if (tally) parts.push(...votes(tally));
  const chapter = element("p");
  chapter.append(element("a", "Open its chapter", { href: below(`${question.chapter}#question-${question.id}`) }));
  return [...parts, chapter];
}

function status(question, step, mine) {
  const text = (given) => question.choices.find((choice) => choice.id === given)?.text ?? `${given} ${question.unit ?? ""}`.trim();
  if (isWaiting(question.id)) return "Your vote is kept here, and sent when the server responds again.";
  if (step === "reveal") return mine === null ? "The answer:" : `You answered: ${text(mine)}`;
  if (question.round && mine !== null) return `Your vote counts: ${text(mine)}. Wait for the others.`;
  return HINTS[step] ?? "The vote is closed.";
}

function choices(question) {
  const list = element("ul", "", { class: "choices" });
  list.append(...question.choices.map((choice) => element("li", choice.text)));
  return list;
}

function votes(tally) {
  const picture = element("div", "", { class: "chart" });
  draw(picture, tally.svg);
  return tally.known ? [answer(tally), picture] : [picture];
}

async function results(id) {
  const { ok, body } = await ask(`votes/${encodeURIComponent(id)}?who=${encodeURIComponent(who())}&device=${device()}${width()}`);
  return ok ? body : null;
}

function form(question, mine) {
  const made = element("form");
  const field = element("fieldset");
  field.append(element("legend", question.round === "after" ? "Vote again: has your neighbor convinced you?" : "Your vote"));
  for (const choice of question.choices) {
    const label = element("label", "", { class: "choice" });
    const radio = element("input", "", { type: "radio", name: "answer", value: choice.id, required: "" });
    radio.checked = mine === choice.id;
    label.append(radio, " ", choice.text);
    field.append(label);
  }
  if (question.choices.length === 0) field.append(number(question, mine));
  const button = element("button", mine === null ? "Vote" : "Change my vote", { class: "next" });
  const said = element("p", mine === null ? "" : "Your second vote counts. You may still change it.", { class: "said", role: "status" });
  made.append(field, button, said);
  made.addEventListener("submit", async (event) => {
    event.preventDefault();
    const given = answerIn(made);
    if (given === null) return;
    button.disabled = true;
    const { ok, kept, body } = await vote(question.id, question.round, given);
    button.disabled = false;
    if (!ok && !kept) return say(said, body, true);
    await refresh();
  });
  return made;
}

function number(question, mine) {
  const label = element("label", "Your number ");
  const input = element("input", "", { type: "number", name: "answer", step: "any", min: "0", inputmode: "decimal", autocomplete: "off", required: "" });
  if (mine !== null) input.value = mine;
  label.append(input, ` ${question.unit ?? ""}`);
  return label;
}

onState(show);
follow();
