// Follows the class: tells the server who is here, and learns where the instructor is. On a chapter's page it shows a
// banner with the way to the class's question, and takes the learner there if they want.

import { ask, below, device, element, every, keep, onName, who } from "./common.js";
import { resend } from "./votes.js";

/** The poll interval. A class of 30 sends 15 requests per second, of which each is answered from memory. */
const POLL_MS = 2000;
const FOLLOW = "feedlab-follow";
const SEEN = "feedlab-seen-step";

/** Where the class is, as the server says; before its first response, nobody leads. */
export let state = { led: false, step: null, at: 0, question: null, revealed: [], people: 0, may_run: true };

const listeners = [];
let signal = "none";

/** Calls `callback` with the state, now and whenever the server was asked. */
export function onState(callback) { listeners.push(callback); }

/** Sets what the instructor sees of this learner: `done`, `stuck` or `none`. */
export function setSignal(value) { signal = value; return refresh(); }

/** Whether pages follow the instructor. */
export const isFollowing = () => keep.get(FOLLOW) === "on";
export const setFollowing = (on) => keep.set(FOLLOW, on ? "on" : "");

/** Asks the server where the class is. */
export async function refresh() {
  await resend();
  const { ok, body } = await ask("class/hello", { who: who(), device: device(), signal });
  if (ok) state = body;
  for (const listener of listeners) await listener(state, ok ? "" : body);
}

/** Starts to ask. */
export function follow() {
  onName(refresh);
  return every(POLL_MS, refresh);
}

/** Shows the banner of a chapter's page. */
export function banner() {
  const text = element("span");
  const link = element("a", "Go there");
  const box = element("input", "", { type: "checkbox" });
  const label = element("label");
  const aside = element("aside", "", { class: "follow", "aria-label": "The class" });
  label.append(box, " Follow the instructor");
  aside.append(text, " ", link, " ", label);
  aside.hidden = true;
  document.querySelector("#main").prepend(aside);
  box.checked = isFollowing();
  box.addEventListener("change", () => { setFollowing(box.checked); go(state, true); });
  onState((now) => {
    const { led, question } = now;
    aside.hidden = !led;
    if (!led) return;
    text.textContent = question ? `The class is at: ${question.text}` : "The class is about to start.";
    link.hidden = !question;
    if (question) link.href = address(question);
    if (box.checked) go(now, false);
  });
}

const address = (question) => below(`${question.chapter}#question-${question.id}`);

/** Goes to the class's question, once for each question, so that learners may leave it again. */
function go({ led, question }, always) {
  if (!led || !question || !isFollowing()) return;
  if (!always && sessionStorage.getItem(SEEN) === question.id) return;
  sessionStorage.setItem(SEEN, question.id);
  const section = document.querySelector(`#question-${CSS.escape(question.id)}`);
  if (section) section.scrollIntoView({ block: "center" });
  else location.assign(address(question));
}
