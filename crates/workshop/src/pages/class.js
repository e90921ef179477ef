// The class page for the projector: the question that the class is at, step by step. With the instructor's token it has
// the controls that lead; without, it shows the same and follows.

import { answer, ask, draw, element, every, say } from "./common.js";

const POLL_MS = 1500;
/** The name under which raised hands are saved, with one vote per answer. */
const HANDS = "hands";
/** The token, for as long as this tab: a reload still leads. */
const TOKEN = "feedlab-instructor";
/** The steps of a question, in order, with what the button "Next" says before each. */
const NEXT = {
  join: "Show the question and vote",
  vote: "Close the vote: discuss",
  discuss: "Vote again",
  again: "Close the vote: measure",
  run: "Reveal the answer",
  reveal: "Next question",
};
const ORDER = Object.keys(NEXT);
/** What the projector says in each step. */
const SAID = {
  vote: "Vote, in silence.",
  discuss: "Talk to your neighbor: find somebody who disagrees.",
  again: "Vote again.",
  run: "The class measures.",
  reveal: "The answer.",
};

const find = (selector) => document.querySelector(selector);
const lead = find("#lead");
const unlock = find("#unlock");
const asked = find("#asked");
const next = find("#next");
const measure = find("#measure");
const steps = [...document.querySelectorAll("[data-step]")];
const join = find("#join");
const people = find("#people");
const stage = find("#stage");
const chart = find("#chart");
const details = find("#known");
const late = find("#late");
const handsBox = find("#hands");
const hands = [...document.querySelectorAll("form.hands")];

let token = takeToken();
let state = { led: false, step: null, at: 0, question: null, people: 0 };

/** Takes the token from the address, where only the instructor has it, and from there into this tab. */
function takeToken() {
  const brought = new URLSearchParams(location.hash.slice(1)).get("token");
  if (brought) {
    sessionStorage.setItem(TOKEN, brought);
    history.replaceState(null, "", location.pathname + location.search);
  }
  return sessionStorage.getItem(TOKEN) ?? "";
}

async function look() {
  const { ok, status, body } = await ask("class/state", undefined, token);
  if (ok) return show(body);
  if (status === 401 || status === 429) return lockOut(body);
  say(lead.querySelector(".said"), body, true);
}

/** A token that is not accepted: the page goes on without it, and says so. */
function lockOut(message) {
  token = "";
  sessionStorage.removeItem(TOKEN);
  unlock.open = true;
  say(unlock.querySelector(".said"), message, true);
}

async function show(now) {
  const isNew = now.at !== state.at;
  state = now;
  lead.hidden = !token;
  unlock.hidden = Boolean(token);
  handsBox.hidden = !token;
  const { question, step } = now;
  for (const button of steps) button.setAttribute("aria-pressed", String(button.dataset.step === step));
  if (isNew && question) asked.value = question.id;
  next.textContent = NEXT[step ?? "reveal"] ?? NEXT.join;
  if (!now.led) next.textContent = "Start";
  measure.hidden = step !== "run" || !question?.scenario;
  measure.disabled = question?.run?.running ?? false;
  showPeople(now);
  stage.hidden = !question;
  for (const form of hands) form.hidden = form.dataset.question !== (question?.id ?? asked.value);
  if (question) await showQuestion(question, step);
}

function showPeople({ people: count, question, signals }) {
  if (join) join.hidden = Boolean(question);
  if (people) say(people, `${count} joined`);
  late.hidden = !question || !join;
  if (join) late.textContent = `Join: ${join.dataset.join.replace(/^http:\/\//, "")}`;
  // Everybody reads the projector, so it has the numbers only; without that mode, the instructor sees who is stuck.
  const isPublic = document.documentElement.hasAttribute("data-projector");
  const names = signals ? [["done", signals.done], ["stuck", signals.stuck]] : [];
  const said = names.map(([what, who]) => `${who.length} ${what}${what === "stuck" && who.length > 0 && !isPublic ? ` (${who.join(", ")})` : ""}`);
  say(find("#signals"), said.join(", "));
}

async function showQuestion(question, step) {
  stage.dataset.step = step;
  say(find("#step"), SAID[step] ?? "");
  say(find("#text"), question.text);
  say(find("#count"), count(question, step));
  const progress = find("#progress");
  progress.hidden = !question.run?.running;
  progress.value = question.run?.progress ?? 0;
  // While the class votes, the projector does not show what others choose.
  const isDrawn = step === "discuss" || step === "run" || step === "reveal";
  const tally = isDrawn ? await results(question) : null;
  showChoices(tally ? [] : question.choices);
  chart.hidden = !tally?.svg;
  draw(chart, tally?.svg ?? "");
  const known = JSON.stringify(tally?.known ?? null);
  if (details.dataset.shown !== known) details.replaceChildren(...(tally?.known ? [answer(tally)] : []));
  details.dataset.shown = known;
}

function count({ voted, run }, step) {
  if (step === "vote" || step === "again") return `${voted} of ${state.people} have voted`;
  if (step === "run") return run ? brief(run.message) : `${voted} have voted twice. Measure it now, or reveal with the recorded run.`;
  return `${voted} voted`;
}

/** The report has all of a run's warnings; the projector has the first. */
const brief = (message) => message.replace(/; .*/s, "; …");

function showChoices(choices) {
  const list = find("#choices");
  const now = JSON.stringify(choices);
  if (list.dataset.shown === now) return;
  list.dataset.shown = now;
  list.replaceChildren(...choices.map((choice) => element("li", choice.text)));
}

async function results({ id, shown }) {
  // The answer is beside the chart, so that both are on the screen.
  const hidden = shown === "answer" ? "&width=narrow" : "&answer=hidden";
  const { ok, body } = await ask(`votes/${encodeURIComponent(id)}?show=all${hidden}`, undefined, token);
  return ok ? body : null;
}

async function go(step, question) {
  const { ok, status, body } = await ask("class/lead", { step, question: question || undefined }, token);
  if (ok) { say(lead.querySelector(".said"), ""); return show(body); }
  if (status === 401 || status === 429) lockOut(body);
  say(lead.querySelector(".said"), body, true);
}

/** One button leads through the whole class: the next step, and after the answer the next question. */
function goNext() {
  if (!state.led) return go("join");
  if (state.step !== "reveal") return go(ORDER[ORDER.indexOf(state.step) + 1], asked.value);
  const following = asked.options[asked.selectedIndex + 1];
  if (!following) return go("end");
  asked.value = following.value;
  return go("vote", following.value);
}

async function run() {
  const { ok, body } = await ask("runs", { scenario: state.question.scenario, who: "the class" }, token);
  if (!ok) return say(lead.querySelector(".said"), body, true);
  await look();
}

async function raise(form, round) {
  const number = form.querySelector("[name=number]");
  const said = handsBox.querySelector(".said");
  for (const field of form.querySelectorAll("[data-answer]")) {
    if (field.value === "" || (number && number.value === "")) continue;
    const value = number ? Number(number.value) : field.dataset.answer;
    const vote = { question: form.dataset.question, round, who: HANDS, answer: value, count: Number(field.value) };
    const { ok, body } = await ask("votes", vote, token);
    if (!ok) return say(said, body, true);
  }
  form.reset();
  say(said, `Counted (${round}).`);
  await look();
}

next.addEventListener("click", goNext);
measure.addEventListener("click", run);
for (const button of steps) {
  button.addEventListener("click", () => go(button.dataset.step, asked.value));
}
for (const form of hands) {
  form.addEventListener("submit", (event) => { event.preventDefault(); raise(form, event.submitter?.value ?? "before"); });
}
asked.addEventListener("change", () => { for (const form of hands) form.hidden = form.dataset.question !== asked.value; });
unlock.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  token = event.target.elements.token.value.trim();
  sessionStorage.setItem(TOKEN, token);
  event.target.reset();
  say(unlock.querySelector(".said"), "");
  look();
});
document.documentElement.dataset.page = "class";
every(POLL_MS, look);
