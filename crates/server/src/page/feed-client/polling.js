// Short polling and long polling: one request after another, each with the cursor.

import { parse, parseCursor } from './message.js';
import { ClientError, statusError } from './retry.js';

// Short polling: one request per interval.

export async function shortPolling(link, signal) {
  for (;;) {
    const started = performance.now();
    const answer = await poll(link, link.address(), signal, 0);
    link.opened();
    link.progress();
    if (answer) handleAnswer(link, answer, signal);
    await link.sleep(started + link.options.intervalMs - performance.now(), signal);
  }
}

// Long polling: the server holds the request until it has an update.

export async function longPolling(link, signal) {
  for (;;) {
    const started = performance.now();
    const before = link.cursor;
    // Without a cursor, first ask for the feed's position: an update between two held requests would be lost.
    const hold = before === null ? 0 : link.options.holdMs;
    const answer = await poll(link, link.address({ hold: `${hold}ms` }), signal, hold);
    const isEarly = hold === 0 || performance.now() - started < hold / 2;
    const hasNews = isNews(answer) || (answer && before === null);
    if (hasNews || !isEarly) link.opened();
    if (answer) handleAnswer(link, answer, signal);
    // Something answers in the server's place, or ignores the cursor. Asking again at once would be a flood.
    if (isEarly && !(hasNews && link.cursor !== before)) throw new ClientError('a response without news arrived early');
    link.progress();
    if (!hasNews) link.tell('onkeepalive'); // an empty response: it shows that the connection works
  }
}

/** Whether a response brings something. */
function isNews(answer) {
  return Boolean(answer?.updates.length || answer?.gap || answer?.reset);
}

/** Sends one request of a short or long poll, and reports it. */
async function poll(link, url, signal, hold) {
  const startedAt = link.requestStarts(hold + link.options.answerMs);
  let response, answer;
  try {
    response = await link.fetch(url, signal);
    return (answer = await readAnswer(response));
  } finally {
    link.requestEnds(startedAt, Boolean(answer?.updates.length), response);
  }
}

/** Returns the body of a poll's response, with its text, or null if it is empty. */
async function readAnswer(response) {
  const { status, headers } = response;
  if (status === 204 || status === 304) return null;
  const text = await response.text();
  if (status !== 200) throw statusError(response, text);
  const answer = parse(text);
  if (Array.isArray(answer.updates) && parseCursor(answer.next).seq !== null) return { ...answer, text };
  throw new ClientError(`the response is not a list of updates, but ${headers.get('Content-Type')}`);
}

/** Delivers what a response brings, until a callback closes the connection: the cursor then stays where it is. */
function handleAnswer(link, { updates, next, gap, reset, text: raw }, signal) {
  const receivedAt = link.options.nowUs();
  const { epoch } = parseCursor(next);
  if (reset) link.reset(reset);
  if (gap) link.gap(gap);
  for (const update of updates) {
    signal.throwIfAborted();
    link.update({ ...update, epoch, raw, receivedAt });
  }
  signal.throwIfAborted();
  link.moveTo(next);
}

// How long a peek may take.
const PEEK_MS = 3000;

/** Asks, without delivering anything, where the feed is: its cursor, and whether that is beyond the client's. */
export async function peek(link, signal) {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(PEEK_MS)]);
  const answer = await readAnswer(await link.fetch(link.address({}, 'short-polling'), limit));
  return { cursor: answer?.next, isBeyond: isNews(answer) };
}
