// A chapter: its questions, its measurements, and the live page in a frame. What gives an answer away appears when the
// instructor reveals it, or alone, with the learner's own run.

import { answer, ask, askName, below, device, draw, element, every, keep, onName, say, who, width } from "./common.js";
import { banner, follow, onState, refresh, state } from "./follow.js";
import { answerIn, vote } from "./votes.js";

import "./copy.js";

/** The poll interval of measurements. */
const POLL_MS = 2000;
/** What somebody who reads alone has opened: the ids of questions, and the scenarios that they have measured. */
const OPENED = "feedlab-opened";

const opened = new Set(keep.get(OPENED).split(" ").filter(Boolean));
function open(key) {
  opened.add(key);
  keep.set(OPENED, [...opened].join(" "));
}

/** One question of the chapter. */
class Question {
  constructor(section) {
    this.section = section;
    this.id = section.dataset.question;
    this.form = section.querySelector("form");
    this.button = this.form.querySelector("button");
    this.said = section.querySelector(".said");
    this.result = section.querySelector(".result");
    this.isPredicted = false;
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.vote(); });
  }

  /** The round in which a vote would count now; `null` if the instructor has closed the vote. */
  get round() {
    if (!state.led) return this.isPredicted ? "after" : "before";
    return state.question?.id === this.id ? state.question.round : null;
  }

  /** Whether the answer may be shown: by the instructor, or alone, by anyone who has measured, or asked for it. */
  get isOpen() {
    if (state.led) return state.revealed.includes(this.id);
    return this.isPredicted && (opened.has(this.id) || opened.has(this.section.dataset.scenario));
  }

  async vote() {
    if (!who()) { say(this.said, "Enter your name at the top of the page first.", true); askName(); return; }
    const round = this.round;
    const { ok, kept, body } = await vote(this.id, round, answerIn(this.form));
    if (!ok && !kept) return say(this.said, body, true);
    // No run decides: a learner who reads alone has thought twice.
    if (round === "after" && !this.section.dataset.scenario && !state.led) open(this.id);
    await refresh();
    say(this.said, kept ? "The server does not respond. Your vote is kept, and sent when it does."
      : round === "after" ? "Second answer saved." : "Prediction saved.");
  }

  /** Shows what may be seen now. */
  async look() {
    this.isPredicted = state.you?.predicted.includes(this.id) ?? false;
    const round = this.round;
    const isDone = state.led && round === "before" && this.isPredicted;
    this.button.disabled = round === null || isDone;
    this.button.textContent = round === "after" ? "Answer again" : "Predict";
    const isShown = this.isOpen || (state.led && state.question?.id === this.id && state.question.shown === "votes");
    if (isShown) return this.showResults();
    if (this.isPredicted) return this.showHeld();
    this.show("", []);
  }

  async showResults() {
    const query = `who=${encodeURIComponent(who())}&device=${device()}${state.led ? "" : "&answer=open"}${width()}`;
    const { ok, body } = await ask(`votes/${encodeURIComponent(this.id)}?${query}`);
    if (!ok) return;
    const picture = element("div", "", { class: "chart" });
    draw(picture, body.svg ?? "");
    const parts = [element("p", this.yours(body)), ...(body.known ? [answer(body)] : []), picture];
    this.show(JSON.stringify(body), parts);
  }

  /** Says what opens the answer. */
  showHeld() {
    if (state.led) return this.show("led", [element("p", "Your prediction is saved. The instructor reveals the answer.")]);
    const measured = this.section.dataset.scenario;
    const text = measured ? "Your prediction is saved. Measure it below: the answer appears here with the result."
      : "Your prediction is saved. Think again, and answer again: the answer appears then.";
    const button = element("button", "Show me the answer", { type: "button", class: "peek" });
    button.addEventListener("click", () => { open(this.id); lookAtAll(); });
    this.show("held", [element("p", text), button]);
  }

  /** If nothing has changed, the page stays as it is, so that nothing is read out twice and no selection is lost. */
  show(key, parts) {
    if (this.shown === key) return;
    this.shown = key;
    this.result.replaceChildren(...parts);
    this.result.hidden = parts.length === 0;
  }

  yours({ yours, choices, unit = "" }) {
    const text = (answered) => choices.find((choice) => choice.id === answered)?.text ?? `${answered} ${unit}`.trim();
    const first = yours.before === null ? "You did not predict." : `You predicted: ${text(yours.before)}.`;
    const again = state.led ? "" : "Would you answer differently now? Answer again.";
    return `${first} ${yours.after === null ? again : `Your second answer: ${text(yours.after)}.`}`;
  }
}

/** One measurement of the chapter. */
class Run {
  constructor(section, questions) {
    this.section = section;
    this.scenario = section.dataset.run;
    this.questions = questions.filter((question) => question.section.dataset.scenario === this.scenario);
    this.button = section.querySelector("button");
    this.bar = section.querySelector("progress");
    this.said = section.querySelector(".said");
    this.isForced = false;
    /** Noted when this learner starts the run, so that its answers also appear after a reload. */
    this.started = `started:${this.scenario}`;
    this.button.addEventListener("click", () => this.start());
  }

  async start() {
    const left = this.questions.filter((question) => !question.isPredicted).length;
    if (left > 0 && !this.isForced) {
      this.isForced = true;
      this.button.textContent = "Measure without predicting";
      say(this.said, `Predict first: this measurement answers ${left === 1 ? "a question" : `${left} questions`} above.`);
      return;
    }
    const { ok, body } = await ask("runs", { scenario: this.scenario, who: who() || undefined });
    if (!ok) return say(this.said, body, true);
    open(this.started);
    await this.look();
  }

  async look() {
    this.button.hidden = !state.may_run;
    const { ok, body } = await ask(`runs?scenario=${encodeURIComponent(this.scenario)}`);
    if (!ok) return say(this.said, body, true);
    const { last, newest } = body;
    const isRunning = last?.state === "running";
    this.button.disabled = isRunning;
    this.bar.hidden = !isRunning;
    if (isRunning) {
      this.bar.value = last.progress;
      return say(this.said, last.message);
    }
    if (last?.state === "done" && opened.has(this.started) && !opened.has(this.scenario)) this.openAnswers();
    const isOpen = this.isForced || this.questions.every((question) => question.isOpen);
    const message = state.may_run ? last?.message ?? "" : "In this class, the instructor measures";
    this.show(message, isOpen ? last?.report ?? null : null, isOpen ? newest : null, last?.state === "failed");
  }

  /** The learner's own run has ended: their answers appear. */
  openAnswers() {
    open(this.scenario);
    lookAtAll();
  }

  show(message, report, newest, isWrong) {
    const shown = JSON.stringify([message, report, newest]);
    if (this.shown === shown) return;
    this.shown = shown;
    say(this.said, message && `${message}. `, isWrong);
    const link = newest ?? (report && { report, from: "its report" });
    if (link) this.said.append(element("a", `Open the report (${link.from})`, { href: below(link.report), target: "_blank" }));
  }
}

const questions = [...document.querySelectorAll("[data-question]")].map((section) => new Question(section));
const runs = [...document.querySelectorAll("[data-run]")].map((section) => new Run(section, questions));
/** The parts of the chapter that print figures and key points, folded until the answers are open. */
const held = [...document.querySelectorAll(".held")];
let isHeldOpened = false;

async function lookAtAll() {
  for (const question of questions) await question.look();
  const isOpen = questions.every((question) => question.isOpen);
  for (const part of held) {
    // In a class, only the instructor opens it.
    part.hidden = state.led && !isOpen;
    if (isOpen && !isHeldOpened) part.open = true;
  }
  isHeldOpened = isOpen;
}

if (document.querySelector("[data-question], [data-run]")) {
  banner();
  onState(lookAtAll);
  onName(() => { for (const question of questions) question.shown = null; });
  follow();
  every(POLL_MS, async () => { for (const run of runs) await run.look(); });
}

for (const details of document.querySelectorAll(".live details")) {
  // The live page opens connections, so it is loaded only while it is shown.
  details.addEventListener("toggle", () => {
    const frame = details.querySelector("iframe");
    frame.src = details.open ? frame.dataset.src : "about:blank";
  });
}
