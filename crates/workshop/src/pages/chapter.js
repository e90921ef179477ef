// A chapter: its questions, its measurements, and the live page in a frame.

import { answer, ask, askName, below, draw, element, every, onName, say, who } from "./common.js";

import "./copy.js";

/** The poll interval. Votes change slowly, and a class of 30 already sends 15 requests per second. */
const POLL_MS = 2000;

/** One question of the chapter. */
class Question {
  constructor(section) {
    this.section = section;
    this.id = section.dataset.question;
    this.form = section.querySelector("form");
    this.button = this.form.querySelector("button");
    this.said = section.querySelector(".said");
    this.result = section.querySelector(".result");
    this.round = "before";
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.vote(); });
  }

  get isAnswered() { return this.round === "after"; }

  async vote() {
    if (!who()) { say(this.said, "Enter your name at the top of the page first.", true); askName(); return; }
    const text = new FormData(this.form).get("answer");
    const value = this.form.querySelector("input[type=number]") ? Number(text) : text;
    const { ok, body } = await ask("votes", { question: this.id, round: this.round, who: who(), answer: value });
    say(this.said, ok ? (this.isAnswered ? "Second answer saved." : "Prediction saved.") : body, !ok);
    if (ok) await this.look();
  }

  /** Shows the votes and the answer, once the learner has predicted. */
  async look() {
    const { ok, body } = await ask(`votes/${encodeURIComponent(this.id)}?who=${encodeURIComponent(who())}`);
    if (ok) this.show(body);
  }

  hide() {
    this.round = "before";
    this.button.textContent = "Predict";
    this.result.hidden = true;
  }

  show(tally) {
    this.round = "after";
    this.button.textContent = "Answer again";
    // If nothing has changed, the page stays as it is, so that nothing is read out twice and no selection is lost.
    const shown = JSON.stringify(tally);
    if (this.shown === shown) return;
    this.shown = shown;
    const picture = element("div", "", { class: "chart" });
    draw(picture, tally.svg);
    const yours = element("p", this.yours(tally));
    this.result.replaceChildren(yours, answer(tally), picture);
    this.result.hidden = false;
  }

  yours({ yours, choices, unit = "" }) {
    const text = (answered) => choices.find((choice) => choice.id === answered)?.text ?? `${answered} ${unit}`.trim();
    const again = yours.after === null ? "Would you answer differently now? Answer again." : `Your second answer: ${text(yours.after)}.`;
    return `You predicted: ${text(yours.before)}. ${again}`;
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
    this.button.addEventListener("click", () => this.start());
  }

  async start() {
    const open = this.questions.filter((question) => !question.isAnswered).length;
    if (open > 0 && !this.isForced) {
      this.isForced = true;
      this.button.textContent = "Measure without predicting";
      say(this.said, `Predict first: this measurement answers ${open === 1 ? "a question" : `${open} questions`} above.`);
      return;
    }
    const { ok, body } = await ask("runs", { scenario: this.scenario, who: who() || undefined });
    if (!ok) return say(this.said, body, true);
    await this.look();
  }

  async look() {
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
    // The results are shown only after all predictions.
    const isOpen = this.isForced || this.questions.every((question) => question.isAnswered);
    this.show(last?.message ?? "", isOpen ? last?.report ?? null : null, isOpen ? newest : null, last?.state === "failed");
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

async function look() {
  // First ask which questions this learner has predicted: the server shows no results for the others.
  const { ok, body } = who() ? await ask(`votes?who=${encodeURIComponent(who())}`) : { ok: false };
  for (const question of questions) {
    if (ok && body.predicted.includes(question.id)) await question.look();
    else question.hide();
  }
  for (const run of runs) await run.look();
}

if (questions.length + runs.length > 0) {
  onName(() => { for (const question of questions) { question.shown = null; question.hide(); } look(); });
  every(POLL_MS, look);
}

for (const details of document.querySelectorAll(".live details")) {
  // The live page opens connections, so it is loaded only while it is shown.
  details.addEventListener("toggle", () => {
    const frame = details.querySelector("iframe");
    frame.src = details.open ? frame.dataset.src : "about:blank";
  });
}
