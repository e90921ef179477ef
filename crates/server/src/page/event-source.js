// Server-Sent Events with the browser's EventSource: it parses the stream and reconnects by itself, sending the id of the
// last event as `Last-Event-ID`. The page uses it to show what a browser does; the client library does not, and says why
// (feed-client/sse.js).

import { handleEvent } from './feed-client/sse.js';
import { CONNECTING, OPEN } from './feed-client/options.js';
import { ClientError } from './feed-client/retry.js';

/** Its options: `types`, the event names; `retryMs`, the server's `retry:`; `reopen`. */
export function eventSource(link, signal) {
  return new Promise((_, reject) => {
    const source = link.source = new EventSource(link.address());
    let startedAt = link.requestStarts();
    let wasOpen = false;
    const end = (error) => {
      source.close();
      link.source = null;
      if (link.pendingSince !== null) link.requestEnds(startedAt, false);
      reject(error);
    };
    signal.addEventListener('abort', () => end(signal.reason), { once: true });
    source.onopen = (event) => {
      if (event instanceof MessageEvent) return; // an update of the feed that is named "open"
      wasOpen = true;
      link.requestEnds(startedAt, true, { status: 200 });
      link.opened();
    };
    for (const type of ['gap', 'reset', ...link.options.types]) listenTo(link, type);
    source.onerror = (event) => {
      if (event instanceof MessageEvent) return; // an update of the feed that is named "error"
      // "Fail the connection": any status other than 200 (a server sends 204 to say "do not reconnect"), or another
      // content type. The script does not learn which, and the browser never tries again.
      if (source.readyState === EventSource.CLOSED) {
        return end(new ClientError('the response was not an event stream: the browser will not try again', { final: !link.options.reopen }));
      }
      // "Reestablish the connection": after a network error or the end of a stream, the browser waits and reconnects,
      // for ever and without jitter. It may do so once; after a second failure in a row, this client waits longer.
      const { tries, retryMs } = link.options;
      const reason = 'the stream ended; the browser reconnects by itself';
      if (!wasOpen) return end(new ClientError('the connection failed'));
      if (link.failures > 0 || tries <= 1) return end(new ClientError('the stream ended without having brought anything'));
      link.failures = 1;
      wasOpen = false;
      link.setState(CONNECTING, { reason, retryInMs: retryMs });
      link.sleep(retryMs, signal, false).then(() => {
        if (link.source !== source || link.state === OPEN) return;
        startedAt = link.requestStarts();
        link.setState(CONNECTING, { reason });
      }, () => {});
    };
  });
}

/** Listens to one event name: an EventSource dispatches an event only to listeners of its name. */
export function listenTo(link, type) {
  link?.source?.addEventListener(type, (event) => {
    if (event instanceof MessageEvent) handleEvent(link, { type, id: event.lastEventId, data: event.data });
  });
}
