import assert from 'node:assert/strict';
import { test } from 'node:test';

import { clock, connected, network } from './fixture.js';
import { nothing, update, updates } from './network.js';

const socket = () => network.sockets.at(-1);

test('messages are delivered, text and binary, and the hello is the position', async () => {
  const link = await connected({ endpoint: 'websocket', url: 'https://feed.test' });
  assert.equal(socket().url.href, 'wss://feed.test/feed/ws');
  socket().opens('k3f9.4');
  socket().brings(update(5));
  const binary = new DataView(new ArrayBuffer(23));
  binary.setBigUint64(0, 6n);
  binary.setUint8(16, 4);
  'tick'.split('').forEach((letter, i) => binary.setUint8(17 + i, letter.charCodeAt(0)));
  socket().brings(binary.buffer);
  for (const length of [0, 5, 18]) socket().brings(new ArrayBuffer(length)); // too short, or of seq 0
  assert.deepEqual([link.seen.seqs, link.cursor, link.seen.errors], [[5, 6], 'k3f9.6', []]);
});

test('J7: close codes of which a retry changes nothing are final: 4401, 4403, 1008, 3000', async () => {
  for (const code of [4401, 4403, 4404, 1002, 1008, 3000, 3003]) {
    const link = await connected({ endpoint: 'websocket' });
    const count = network.sockets.length;
    socket().opens();
    socket().closes(code);
    await clock.advance(60_000);
    assert.deepEqual([link.state, network.sockets.length, link.seen.failures[0].code], ['closed — gave up', count, code]);
  }
});

test('J7: others are retried, and a hook decides on any', async () => {
  for (const code of [1001, 1006, 1011, 1012, 1013, 4000, 4408, 4429, 4500]) {
    const link = await connected({ endpoint: 'websocket' });
    const count = network.sockets.length;
    socket().closes(code);
    await clock.advance(1000);
    assert.deepEqual([link.state, network.sockets.length], ['connecting', count + 1], `${code}`);
    link.close();
  }
  const link = await connected({ endpoint: 'websocket', onfailure: ({ code }) => code !== 4000 });
  socket().closes(4000);
  await clock.advance(0);
  assert.equal(link.state, 'closed — gave up');
  const again = await connected({ endpoint: 'websocket', onfailure: ({ code }) => code === 4401 });
  socket().closes(4401);
  await clock.advance(1000);
  assert.equal(again.state, 'connecting');
});

test('J2: a quiet socket, whose pings nobody sees, is not reconnected', async () => {
  network.answer = () => nothing(0);
  const link = await connected({ endpoint: 'websocket', silenceMs: 3000 });
  socket().opens();
  await clock.advance(30_000);
  assert.deepEqual([network.sockets.length, link.state], [1, 'open']);
  network.answer = () => updates(1, 1);
  await clock.advance(5000);
  assert.deepEqual([network.sockets.length, network.sockets[0].isClosed], [2, true]);
});

test('J7: send() publishes over the socket; acknowledgments come in order', async () => {
  const link = await connected({ endpoint: 'websocket', protocols: ['feed.1'] });
  assert.deepEqual(socket().protocols, ['feed.1']);
  socket().opens();
  const sent = [link.send('a', { type: 'message' }), link.send(new Uint8Array([1]))];
  socket().brings({ ack: { seq: 8 } });
  socket().brings({ ack: { seq: 9 } });
  assert.deepEqual(await Promise.all(sent), [8, 9]);
  assert.deepEqual(socket().sent, ['{"type":"message","data":"a"}', new Uint8Array([1])]);
});

test('J7: what was sent and not acknowledged fails, says so, and is not sent again', async () => {
  const link = await connected({ endpoint: 'websocket' });
  socket().opens();
  const sent = link.send('a');
  socket().closes(1006);
  await assert.rejects(sent, /it is unknown whether the message was published/);
  await clock.advance(1000);
  socket().opens();
  assert.deepEqual([network.sockets.length, socket().sent], [2, []]);
  const many = Array.from({ length: 100 }, () => link.send('x').catch(() => 'lost'));
  await assert.rejects(link.send('one more'), /100 messages wait/);
  link.close();
  assert.deepEqual([...new Set(await Promise.all(many))], ['lost']);
});

test('J3, J4: close() in a callback delivers nothing more; an exception is the application\'s', async () => {
  const link = await connected({ endpoint: 'websocket', onupdate: ({ seq }) => { if (seq === 2) link.close(); throw new Error('mine'); } });
  socket().opens();
  for (const seq of [1, 2, 3]) socket().brings(update(seq));
  assert.deepEqual([link.cursor, link.seen.errors.length, link.state], ['k3f9.2', 2, 'closed']);
});
