// The fallback ladder: the first transport that works, in the order of your preference.

import { Link } from './link.js';
import { CONNECTING, OPEN, PAUSED } from './options.js';

/**
 * Uses the first transport that works; each rung continues from the cursor of the one before it.
 *
 *   ladder(['websocket', 'sse', 'long-polling', 'short-polling'], { url, onupdate, onrung: (endpoint) => … })
 *
 * A rung has failed when `tries` consecutive attempts brought nothing: they were refused, or did not open, or stayed
 * silent while the feed went on (behind a proxy that buffers, for example). The last rung is retried forever.
 * From a lower rung, the ones above are tried again after `climbMs`, next to the one that works.
 */
export function ladder(endpoints, options) {
  const whileOpen = (signal) => climb(link, signal).catch(() => {}); // until the signal is aborted
  const link = new Link({ silenceMs: 10000, climbMs: 60000, tries: 3, ...options, endpoints, whileOpen });
  link.tell('onrung', link.endpoint, { reason: '' });
  link.open();
  return link;
}

async function climb(link, signal) {
  for (;;) {
    // Jitter: after an outage all clients stand on a lower rung, and should not climb in the same instant.
    await link.sleep(link.options.climbMs * (1 + Math.random()), signal, false);
    for (let rung = 0; rung < link.rung && link.state !== PAUSED; rung += 1) {
      if (await works(link, link.rungs[rung], signal) && rung < link.rung) link.stand(rung, 'it works again');
    }
  }
}

/**
 * Whether a rung brings anything: a response head alone may pass through a proxy that holds back what follows. What it
 * brings is not delivered: the rung continues from the cursor.
 */
function works(link, endpoint, signal) {
  const silent = Object.entries(link.options).filter(([name]) => !name.startsWith('on'));
  return new Promise((resolve) => {
    const end = (result) => {
      resolve(result);
      trial.close();
    };
    const trial = new Link({
      ...Object.fromEntries(silent), endpoints: [endpoint], after: link.cursor, tries: 1, signal, whileOpen: undefined,
      onheard: () => end(true),
      onstate: (word) => word !== CONNECTING && word !== OPEN && end(false),
    });
    trial.open();
  });
}
