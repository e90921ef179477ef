// Votes: sent at once, or if the server does not respond, kept in this browser and sent when it does. Every vote has an
// id, so that the server counts one that arrives twice once.

import { ask, device, keep, randomId, who } from "./common.js";

const PENDING = "feedlab-pending";

const pending = () => { try { return JSON.parse(keep.get(PENDING) || "[]"); } catch { return []; } };
const remember = (votes) => keep.set(PENDING, JSON.stringify(votes));

/** Sends a vote. Returns `{ ok, kept, body }`: `kept` if it is sent later, and a refusal's reason as the body. */
export async function vote(question, round, answer) {
  const ballot = { question, round, who: who(), answer, device: device(), id: randomId() };
  const { ok, status, body } = await ask("votes", ballot);
  if (status === 0) remember([...pending().filter((old) => old.question !== question || old.round !== round), ballot]);
  return { ok, kept: status === 0, body };
}

/** Whether a vote waits for the server. */
export const isWaiting = (question) => pending().some((ballot) => ballot.question === question);

/** Sends the votes that wait, oldest first. A vote that the server refuses now would be refused later too. */
export async function resend() {
  for (let votes = pending(); votes.length > 0; votes = votes.slice(1)) {
    const { status } = await ask("votes", votes[0]);
    if (status === 0) return;
    remember(votes.slice(1));
  }
}

/** Returns the answer in a form: a number, or the id of a choice; `null` if there is none. */
export function answerIn(form) {
  const text = new FormData(form).get("answer");
  if (text === null || text === "") return null;
  return form.querySelector("input[type=number]") ? Number(text) : text;
}
