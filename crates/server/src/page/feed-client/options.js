// The states of a connection, and every option with its default.

/** The states of a connection. Between retries the state is CONNECTING, with `retryInMs`. */
export const CONNECTING = 'connecting';
export const OPEN = 'open';
export const PAUSED = 'paused';
export const CLOSED = 'closed';
export const GAVE_UP = 'closed — gave up';

export const DEFAULTS = {
  after: null, // a stored cursor; null starts at the newest update, 0 at the oldest
  headers: null, // an object, or a function, which may be async
  token: null, // sent as `Authorization: Bearer …`: a string, or such a function
  credentials: 'same-origin', // as for fetch()
  protocols: [], // websocket: the subprotocols to offer
  signal: null, // an AbortSignal that closes the client
  intervalMs: 1000, // short polling: from one request to the next
  holdMs: 25000, // long polling: how long a request may be held. RFC 6202, 5.5: below 30 s is safe with most proxies
  answerMs: 10000, // polls: how long a response may take, on top of its hold
  silenceMs: 45000, // watchdog: a stream silent for this long is checked. Use three keepalives; 0: never
  tries: Infinity, // failures in a row after which it gives up, or takes the next rung
  whileHidden: 'stay', // 'pause' closes the connection while the page is hidden
  nowUs: () => Date.now() * 1000, // the clock for `receivedAt`: Unix time, µs
  isStarved: () => false, // whether this origin's connections are all in use: silence then proves nothing
  paths: {}, // paths that differ from these
};

/** Where the endpoints are, below the URL; `send` is where send() posts to. */
export const PATHS = {
  'short-polling': '/feed/poll', 'long-polling': '/feed/long-poll', sse: '/feed/sse', websocket: '/feed/ws', send: '/feed',
};
