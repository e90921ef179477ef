// A client for feedlab's feed: one interface over all four endpoints.
//
//   const handle = connect({
//     endpoint: 'sse', url: 'http://127.0.0.1:8080',
//     onupdate: ({ seq, at, type, data }) => …,
//     ongap: ({ from, to }) => …, // lost updates are reported, never skipped silently
//   });
//
// feed-client/link.js holds what all transports share; polling.js, sse.js and websocket.js what differs. docs/client.md
// has every option. For your own page, take the package: crates/server/feed-client.

import { Link } from './feed-client/link.js';

export { ladder } from './feed-client/ladder.js';
export { CLOSED, CONNECTING, GAVE_UP, OPEN, PAUSED } from './feed-client/options.js';
export { backoff } from './feed-client/retry.js';

/** Connects to an endpoint. Takes the options of `DEFAULTS`, `endpoint`, `url` and the callbacks. Returns a `Link`. */
export function connect(options) {
  const link = new Link(options);
  link.open();
  return link;
}
