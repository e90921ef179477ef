// Why an attempt ended, and how long to wait before the next.

/**
 * Why an attempt ended. `final`: a retry would end the same way. `retryInMs`: the delay that the server asks for. `status`
 * and `code`: the HTTP status, the WebSocket close code.
 */
export class ClientError extends Error {
  constructor(message, { final = false, retryInMs, status = null, code = null } = {}) {
    super(message);
    Object.assign(this, { final, retryInMs, status, code });
  }
}

const BASE_MS = 500;
const CAP_MS = 30000;

/**
 * Exponential backoff with full jitter: wait = random(0, min(cap, base · 2^failures)).
 * Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015. Without the randomness, all
 * clients that a restart cut off would reconnect in the same instant, and retry in the same instant after that.
 */
export function backoff(failures) {
  return Math.random() * Math.min(CAP_MS, BASE_MS * 2 ** Math.min(failures, 20));
}

/**
 * The wait before a retry. A delay that the server asks for is the least, with jitter on top: otherwise all clients that
 * got the same `Retry-After` would return in the same instant.
 */
export function retryDelay(failures, askedMs) {
  return askedMs + Math.max(Math.random() * Math.min(askedMs, CAP_MS), backoff(failures));
}

/** With any other status the next request would fail too. */
export const isTemporary = (status) => status >= 500 || status === 429 || status === 408;

/** The delay of a Retry-After header, ms. RFC 9110, section 10.2.3: a number of seconds, or a date. */
function retryAfter(response) {
  const value = response.headers.get('Retry-After');
  if (!value) return;
  const ms = /^\d+$/.test(value) ? value * 1000 : Date.parse(value) - Date.now();
  if (Number.isFinite(ms)) return Math.min(Math.max(ms, 0), 3600_000);
}

/** The error for a status that is not the one wanted. */
export function statusError(response, text = '') {
  const { status } = response;
  const why = text.split('\n', 1)[0].slice(0, 120);
  return new ClientError(`status ${status} ${why}`.trim(), { final: !isTemporary(status), retryInMs: retryAfter(response), status });
}
