// Records, in the live page, what each endpoint delivers, independently of the panels' counts.
const { app } = window.feedlab;
const seen = Object.fromEntries([...app.panels.keys()].map((name) => [name, {
  received: 0, missed_silently: 0, delivered_twice: 0, reported_lost: 0, resets: 0, seq: null, epoch: null,
}]));
const on = (type, act) => app.events.addEventListener(type, ({ detail }) => {
  const it = seen[detail.endpoint];
  act(it, detail, app.panels.get(detail.endpoint).handle.epoch);
});
on('update', (it, { seq }, epoch) => {
  it.received += 1;
  if (it.epoch !== null && epoch !== it.epoch) it.missed_silently += 1; // another feed, and no reset
  else if (it.seq !== null && seq <= it.seq) it.delivered_twice += 1;
  else if (it.seq !== null) it.missed_silently += seq - it.seq - 1;
  Object.assign(it, { seq, epoch });
});
on('gap', (it, { from, to, again }) => {
  if (!again) it.reported_lost += to - from + 1;
  if (!again && it.seq !== null) it.missed_silently += Math.max(from - it.seq - 1, 0);
  it.seq = again ? from - 1 : to;
});
on('reset', (it, { resume }, epoch) => {
  it.resets += 1;
  Object.assign(it, { epoch, seq: Number(resume.split('.').at(-1)) });
});
let last = performance.now();
window.audit = { seen, longest_stop_ms: 0 };
setInterval(() => {
  const now = performance.now();
  window.audit.longest_stop_ms = Math.max(window.audit.longest_stop_ms, now - last);
  last = now;
}, 100);
