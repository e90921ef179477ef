// What an application in TypeScript writes: `scripts/check-types` compiles this against the packed library. A line after
// `@ts-expect-error` must not compile.
import { CLOSED, type Failure, type Link, type Update, connect, ladder } from 'feedlab-client';

const seen: number[] = [];
const abort = new AbortController();
const options = {
  url: () => new URL('https://feed.example/app/'),
  token: async (endpoint: string) => `token for ${endpoint}`,
  after: localStorage.getItem('cursor'),
  signal: abort.signal,
  onupdate(update: Update) {
    seen.push(update.seq);
    const text: string = typeof update.data === 'string' ? update.data : new TextDecoder().decode(update.data);
    document.title = text;
  },
  onfailure(failure: Failure) {
    if (failure.code === 4401) return false;
    return failure.retryInMs * 2;
  },
};

const link: Link = connect({ ...options, endpoint: 'sse' });
const best: Link = ladder(['websocket', 'sse', 'long-polling'], {
  ...options,
  climbMs: 30_000,
  onrung: (endpoint, { reason }) => console.log(endpoint, reason),
  ongap: ({ from, to }) => console.log(`${to - from + 1} updates are lost`),
  onreset: ({ asked, resume }) => console.log(asked, resume),
});
const seq: number = await link.send('hello', { type: 'note' });
link.set({ silenceMs: 5_000 });
if (best.state === CLOSED && link.cursor !== null) localStorage.setItem('cursor', link.cursor);
console.log(seq);

// @ts-expect-error: there is no such transport
connect({ ...options, endpoint: 'webtransport' });
// @ts-expect-error: an endpoint is needed
connect(options);
// @ts-expect-error: the path of the class is not for callers
link.retry();
// @ts-expect-error: it is read-only
link.state = CLOSED;
// @ts-expect-error: a keepalive has no update
connect({ ...options, endpoint: 'sse', onkeepalive: (update: Update) => console.log(update) });
