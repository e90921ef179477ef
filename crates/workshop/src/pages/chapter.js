// A chapter: its questions, its measurements, the live page in it.

import { answer, ask, askName, below, draw, element, every, onName, say, who } from "./common.js";

/** Votes change slowly; a class of thirty asks fifteen times a second. */
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
    if (!who()) { say(this.said, "Say first who you are, at the top of the page.", true); askName(); return; }
    const text = new FormData(this.form).get("answer");
    const value = this.form.querySelector("input[type=number]") ? Number(text) : text;
    const { ok, body } = await ask("votes", { question: this.id, round: this.round, who: who(), answer: value });
    say(this.said, ok ? (this.isAnswered ? "Your second answer is kept." : "Your prediction is kept.") : body, !ok);
    if (ok) await this.look();
  }

  /** Shows what the class says and what came out, to those who have predicted. */
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
    // What is the same is left alone, so that nothing is read out twice and no selection is lost.
    const told = JSON.stringify(tally);
    if (this.told === told) return;
    this.told = told;
    const picture = element("div", "", { class: "chart" });
    draw(picture, tally.svg);
    const yours = element("p", this.yours(tally));
    this.result.replaceChildren(yours, answer(tally), picture);
    this.result.hidden = false;
  }

  yours({ yours, choices, unit = "" }) {
    const text = (said) => choices.find((choice) => choice.id === said)?.text ?? `${said} ${unit}`.trim();
    const again = yours.after === null ? "Would you answer differently now? Answer again." : `Then: ${text(yours.after)}.`;
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
      this.button.textContent = "Measure it without predicting";
      say(this.said, `Predict first: ${open === 1 ? "a question" : `${open} questions`} above ask for what this will measure.`);
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
    // What came out is nobody's business who has not predicted.
    const isOpen = this.isForced || this.questions.every((question) => question.isAnswered);
    this.told(last?.message ?? "", isOpen ? last?.report ?? null : null, isOpen ? newest : null, last?.state === "failed");
  }

  told(message, report, newest, isWrong) {
    const told = JSON.stringify([message, report, newest]);
    if (this.was === told) return;
    this.was = told;
    say(this.said, message && `${message}. `, isWrong);
    const link = newest ?? (report && { report, from: "its report" });
    if (link) this.said.append(element("a", `Look at the report (${link.from})`, { href: below(link.report), target: "_blank" }));
  }
}

const questions = [...document.querySelectorAll("[data-question]")].map((section) => new Question(section));
const runs = [...document.querySelectorAll("[data-run]")].map((section) => new Run(section, questions));

async function look() {
  // First what this learner may see: the server shows nothing of a question to who has not predicted.
  const { ok, body } = who() ? await ask(`votes?who=${encodeURIComponent(who())}`) : { ok: false };
  for (const question of questions) {
    if (ok && body.predicted.includes(question.id)) await question.look();
    else question.hide();
  }
  for (const run of runs) await run.look();
}

if (questions.length + runs.length > 0) {
  onName(() => { for (const question of questions) { question.told = null; question.hide(); } look(); });
  every(POLL_MS, look);
}

for (const details of document.querySelectorAll(".live details")) {
  // The live page opens connections: only where somebody wants to see it, and no longer.
  details.addEventListener("toggle", () => {
    const frame = details.querySelector("iframe");
    frame.src = details.open ? frame.dataset.src : "about:blank";
  });
}
