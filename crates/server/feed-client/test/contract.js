// What the library promises, tested in a real browser against real servers. crates/cli/tests/browser/contract.rs opens a
// page that runs it in Chromium and in Firefox.

const ENDPOINTS = ['short-polling', 'long-polling', 'sse', 'websocket'];
const PATIENCE_MS = 20_000; // a limit, not a wait

/**
 * Returns what went wrong. `lively` is the URL of a feed that one can publish to, `quiet` of one without updates, and
 * nothing listens at `refused`.
 */
export async function problems({ connect, ladder }, { lively, quiet, refused }) {
  const parts = [
    ...ENDPOINTS.map((endpoint) => () => delivers(connect, lively, endpoint)),
    ...ENDPOINTS.map((endpoint) => () => closes(connect, lively, endpoint)),
    ...['sse', 'websocket'].map((endpoint) => () => publishes(connect, lively, endpoint)),
    ...['sse', 'websocket'].map((endpoint) => () => stays(connect, quiet, endpoint)),
    () => falls(ladder, { lively, refused }),
  ];
  const found = [];
  for (const part of parts) found.push(...await part());
  return found;
}

/** Every update once, in order, from the start of the feed. */
async function delivers(connect, url, endpoint) {
  const { seen, callbacks } = recorder();
  const link = connect({ endpoint, url, after: 0, intervalMs: 100, ...callbacks });
  const isDone = await until(() => seen.seqs.length >= 30);
  link.close();
  const isWhole = seen.seqs.every((seq, index) => seq === index + 1);
  return isDone && isWhole && seen.wrong.length === 0 ? [] : [{ delivers: endpoint, ...seen }];
}

/** J3: nothing after close() within a callback; open() continues there. */
async function closes(connect, url, endpoint) {
  const seqs = [];
  const link = connect({ endpoint, url, after: 0, onupdate: ({ seq }) => seqs.push(seq) % 5 === 0 && link.close() });
  await until(() => seqs.length === 5);
  await sleep(300);
  const first = seqs.length;
  link.open();
  await until(() => seqs.length === 10);
  await sleep(300);
  const isRight = first === 5 && seqs.join() === '1,2,3,4,5,6,7,8,9,10';
  return isRight ? [] : [{ closes: endpoint, first, seqs }];
}

/** What is published arrives, with the number that was acknowledged. */
async function publishes(connect, url, endpoint) {
  const { seen, callbacks } = recorder();
  const types = new Map();
  const link = connect({ endpoint, url, ...callbacks, onupdate: ({ seq, type, data }) => types.set(seq, `${type} ${data}`) });
  await until(() => link.state === 'open' && types.size > 0);
  const seq = await link.send('hällo', { type: 'message' }).catch(String);
  const isDone = await until(() => types.get(seq) === 'message hällo');
  link.close();
  return isDone && seen.wrong.length === 0 ? [] : [{ publishes: endpoint, seq, ...seen }];
}

/** J2: a stream without updates is checked, and neither reconnected nor left. */
async function stays(connect, url, endpoint) {
  const { seen, callbacks } = recorder();
  const link = connect({ endpoint, url, silenceMs: 600, ...callbacks });
  const isDone = await until(() => seen.keepalives > 3);
  link.close();
  return isDone && seen.states.join() === 'connecting,open,closed' ? [] : [{ stays: endpoint, ...seen }];
}

/** J1: a refused connection counts; the ladder falls, and loses nothing. */
async function falls(ladder, { lively, refused }) {
  const { seen, callbacks } = recorder();
  const rungs = [];
  const link = ladder(['sse', 'websocket', 'long-polling'], {
    url: (endpoint) => (endpoint === 'long-polling' ? lively : refused),
    after: 0, ...callbacks, onfailure: undefined, onrung: (endpoint) => rungs.push(endpoint),
  });
  const isDone = await until(() => seen.seqs.length >= 30);
  link.close();
  const isWhole = seen.seqs.every((seq, index) => seq === index + 1);
  return isDone && isWhole && rungs.join() === 'sse,websocket,long-polling' ? [] : [{ falls: rungs, ...seen }];
}

function recorder() {
  const seen = { seqs: [], states: [], keepalives: 0, wrong: [] };
  const wrong = (name) => (detail) => void seen.wrong.push([name, detail instanceof Error ? String(detail) : detail]);
  const callbacks = {
    onupdate: ({ seq }) => seen.seqs.push(seq),
    onstate: (word) => seen.states.push(word),
    onkeepalive: () => (seen.keepalives += 1),
    ongap: wrong('gap'), onreset: wrong('reset'), onduplicate: wrong('duplicate'), onfailure: wrong('failure'), onerror: wrong('error'),
  };
  return { seen, callbacks };
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(condition) {
  for (const end = performance.now() + PATIENCE_MS; performance.now() < end; await sleep(20)) if (condition()) return true;
  return false;
}
