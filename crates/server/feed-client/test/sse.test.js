import assert from 'node:assert/strict';
import { test } from 'node:test';

import { chance, clock, connected, network, waits } from './fixture.js';
import { Stream, event, nothing, status, updates } from './network.js';

/** Answers each request for the stream with an open one; polls with `poll`. */
function streams(poll = () => nothing(0)) {
  const open = [];
  network.answer = (request) => {
    if (!request.url.pathname.endsWith('/sse')) return poll(request);
    open.push(new Stream(request.signal));
    return open.at(-1).response;
  };
  return open;
}

test('events of every name are delivered, however the bytes are split', async () => {
  const text = `\u{feff}id: k3f9.0\nretry: 500\n\n:\n\n${event(1)}${event(2, 'open').replaceAll('\n', '\r\n')}${event(3, 'grüße').replaceAll('\n', '\r')}:\n`;
  const bytes = new TextEncoder().encode(text);
  for (const size of [1, 2, 3, 7, bytes.length]) {
    const open = streams();
    const types = [];
    const link = await connected({ endpoint: 'sse', onupdate: ({ seq, type, data }) => types.push(`${seq} ${type} ${data}`) });
    for (let at = 0; at < bytes.length; at += size) open[0].brings(bytes.slice(at, at + size));
    await clock.advance(10);
    assert.deepEqual(types, ['1 tick 1', '2 open 2', '3 grüße 3'], `chunks of ${size}`);
    assert.equal(link.cursor, 'k3f9.3');
    link.close();
  }
});

test('an incomplete event is dropped, and comes again after the reconnect', async () => {
  const open = streams();
  const link = await connected({ endpoint: 'sse', after: 'k3f9.0' });
  open[0].brings(event(1) + event(2).slice(0, -1));
  await clock.advance(10);
  open[0].ends();
  await clock.advance(1000);
  assert.deepEqual([link.seen.seqs, network.requests[1].url.search], [[1], '?after=k3f9.1']);
});

test('gaps and resets of a stream are reported', async () => {
  const open = streams();
  const link = await connected({ endpoint: 'sse', after: 'k3f9.0' });
  open[0].brings('id: k3f9.4\nevent: gap\ndata: {"from":1,"to":4}\n\n');
  open[0].brings('id: p0q2.0\nevent: reset\ndata: {"asked":"k3f9.4","resume":"p0q2.0"}\n\n');
  await clock.advance(10);
  assert.deepEqual([link.seen.gaps, link.seen.resets.length, link.cursor], [[{ from: 1, to: 4, again: false }], 1, 'p0q2.0']);
});

test('a stream that has brought only its position resumes from there', async () => {
  const open = streams();
  await connected({ endpoint: 'sse' });
  open[0].brings('id: k3f9.7\nretry: 100\n\n');
  open[0].ends();
  await clock.advance(1000);
  assert.equal(network.requests[1].url.search, '?after=k3f9.7');
});

test('the wait that `retry:` asks for is the least, with jitter', async () => {
  for (const [value, expected] of [[0, 2000], [0.5, 3000]]) {
    const open = streams();
    const link = await connected({ endpoint: 'sse' });
    chance(value);
    open[0].brings('retry: 2000\n\n');
    open[0].ends();
    await clock.advance(10);
    assert.deepEqual(waits(link), [expected]);
    link.close();
  }
});

test('J2: a quiet stream with comments is left alone, and never asked about', async () => {
  const open = streams();
  const link = await connected({ endpoint: 'sse', silenceMs: 3500, after: 'k3f9.0' });
  for (let i = 0; i < 30; i += 1) {
    await clock.advance(3000);
    open[0].brings(':\n\n');
  }
  await clock.advance(10);
  assert.deepEqual([network.requests.length, link.seen.keepalives, link.state], [1, 30, 'open']);
});

test('J2: comments for longer than the silence are progress: the next failure is the first', async () => {
  network.answer = () => new TypeError('refused');
  const link = await connected({ endpoint: 'sse', silenceMs: 3500 });
  await clock.advance(1000);
  assert.ok(link.seen.failures.length > 1);
  const open = streams();
  await clock.advance(3000);
  for (let i = 0; i < 3; i += 1) {
    open[0].brings(':\n');
    await clock.advance(2000);
  }
  open[0].ends();
  await clock.advance(10);
  assert.equal(link.seen.failures.at(-1).failures, 1);
});

test('J7: the status decides, and Retry-After is heeded', async () => {
  network.answer = () => status(503, { 'Retry-After': '7' });
  chance(0);
  const link = await connected({ endpoint: 'sse' });
  assert.deepEqual([waits(link), link.seen.failures[0].status], [[7000], 503]);
  network.answer = () => status(204); // the standard: do not reconnect
  await clock.advance(7000);
  assert.equal(link.state, 'closed — gave up');
});

test('J7: a stream has headers and a token', async () => {
  streams();
  await connected({ endpoint: 'sse', token: () => 'secret', headers: { 'X-Tenant': 'a' } });
  const { headers } = network.requests[0];
  assert.deepEqual(headers, { Accept: 'text/event-stream', 'X-Tenant': 'a', Authorization: 'Bearer secret' });
});

test('J3: close() inside onupdate of a stream delivers nothing more', async () => {
  const open = streams();
  const link = await connected({ endpoint: 'sse', after: 'k3f9.0', onupdate: ({ seq }) => seq === 2 && link.close() });
  open[0].brings(event(1) + event(2) + event(3));
  await clock.advance(10);
  assert.deepEqual([link.cursor, link.state, link.seen.failures], ['k3f9.2', 'closed', []]);
});

test('a response that is no event stream is a failure, and an event without end too', async () => {
  network.answer = () => new Response('<html>', { headers: { 'Content-Type': 'text/html' } });
  const link = await connected({ endpoint: 'sse' });
  assert.equal(link.seen.failures[0].reason, 'the response is not an event stream');
  link.close();
  const open = streams();
  const large = await connected({ endpoint: 'sse' });
  const line = new TextEncoder().encode(`data: ${'x'.repeat(1024 * 1024)}\n`);
  for (let i = 0; i < 17; i += 1) open[0].brings(line);
  await clock.advance(10);
  assert.equal(large.seen.failures[0].reason, 'an event is too large');
});

test('a stream that is silent while the feed goes on is broken', async () => {
  const open = streams(() => updates(1, 2));
  const link = await connected({ endpoint: 'sse', silenceMs: 3000, after: 'k3f9.0' });
  await clock.advance(5000);
  assert.equal(link.seen.failures[0].reason, 'watchdog: nothing received for 3 s');
  assert.deepEqual(link.seen.seqs, [], 'the poll that proves it delivers nothing');
  assert.equal(open.length, 2);
});
