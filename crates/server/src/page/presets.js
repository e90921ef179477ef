// Presets: each is a set of conditions, what to look at, and a question to answer before it happens.

import { button, element, say } from './dom.js';
import { holdSix } from './grid.js';

/** The time to guess before a preset's event happens, ms. */
const GUESS_MS = 4000;

const SLOW_FEED = { source: 'synthetic', schedule: 'constant', updates_per_s: 0.2, payload_bytes: 100 };
const BIG_FEED = { source: 'synthetic', schedule: 'constant', updates_per_s: 20, payload_bytes: 4096 };

/** `values` override the defaults. `event` happens by itself, after the time to guess what `ask` asks. */
export const PRESETS = {
  healthy: {
    title: 'Healthy',
    values: {},
    look: 'All endpoints are open, and on one machine there is almost no delay.',
    ask: 'Which panel has the oldest updates, and how old do they get?',
  },
  far: {
    title: '100 ms away',
    values: { rtt_ms: 100 },
    look: 'A round trip takes 100 ms: look at the age p50 of each panel.',
    ask: 'SSE and WebSocket get an update after half a round trip. What about a long poll?',
  },
  'idle-proxy': {
    title: 'Idle proxy',
    values: { ...SLOW_FEED, idle_timeout_ms: 2000, keepalive_ms: 15000 },
    look: 'An update every 5 s, and a proxy that closes what is silent for 2 s: look at the states and at “missed”.',
    ask: 'What will the SSE panel show, and will anything be lost?',
    variants: [
      { label: 'keepalive 15 s', values: { keepalive_ms: 15000, hold_ms: 25000 } },
      { label: 'keepalive 1 s: the fix', values: { keepalive_ms: 1000, hold_ms: 25000 } },
      { label: 'also hold long polls for 1 s', values: { keepalive_ms: 1000, hold_ms: 1000 } },
    ],
  },
  'buffering-proxy': {
    title: 'Buffering proxy',
    values: { source: 'synthetic', schedule: 'constant', updates_per_s: 10, payload_bytes: 100, buffer_bytes: 4096 },
    look: 'A proxy forwards nothing until it has collected 4 KiB: look at the ages and at the timeline.',
    ask: 'Will any panel report an error?',
    variants: [
      { label: '4 KiB buffer', values: { buffer_bytes: 4096 } },
      { label: '1 KiB buffer', values: { buffer_bytes: 1024 } },
      { label: 'no buffer', values: { buffer_bytes: 0 } },
    ],
  },
  'deploy-503': {
    title: 'Deploy, 503',
    values: {},
    look: 'A deploy cuts all connections; for the next 3 s, new requests get a 503.',
    ask: 'Which of the four will never reconnect by itself?',
    event: async (app) => {
      await cutAndAnswer(app, 'status-503', 3000);
      return 'All connections were cut, and new requests get a 503 for 3 s. Watch which panels reconnect.';
    },
  },
  'slow-client': {
    title: 'Slow client',
    values: { ...BIG_FEED, reader_bytes_per_s: 20000, slow: 'block' },
    look: 'The feed has 80 kB/s, and this client reads 20 kB/s: look at the ages of SSE and WebSocket.',
    ask: 'What should the server do with a client like this?',
    variants: ['block', 'latest', 'disconnect'].map((slow) => ({ label: slow, values: { slow } })),
  },
  'six-tabs': {
    title: 'Six tabs',
    values: {},
    look: 'Six EventSources use up all connections to one origin; then the panels move to that origin.',
    ask: 'Which of the four panels still works?',
    event: async (app) => {
      const free = await holdSix(app);
      return { text: 'Every other HTTP/1.1 request to the origin now waits, without an error; WebSockets have their own pool.', undo: ['Close the six', free] };
    },
  },
};

export const presetValues = (name) => PRESETS[name]?.values ?? {};

/** Cuts every endpoint, and has new requests answered with `kind` for some time. */
export async function cutAndAnswer(app, kind, forMs) {
  await app.tab.fault('all', kind, forMs);
  return app.tab.fault('all', 'cut');
}

/** Fills `#presets`. */
export function setUpPresets(app) {
  new Presets(app, document.querySelector('#presets'));
}

class Presets {
  constructor(app, place) {
    this.app = app;
    this.buttons = Object.entries(PRESETS).map(([name, { title }]) => this.#button(name, title));
    this.card = element('div', { className: 'preset-card', hidden: true });
    const row = element('div', { className: 'preset-row', role: 'group', ariaLabel: 'Presets' }, ...this.buttons);
    place.replaceChildren(row, this.card);
    app.events.addEventListener('stopall', () => clearTimeout(this.timer));
    app.events.addEventListener('preset', ({ detail }) => this.#show(detail.name));
    if (!app.tab) place.append(element('p', { className: 'preset-card' }, `This page has no lab: ${app.why}. Presets, faults and most conditions need one.`));
    const { preset } = app.controls;
    if (app.tab && preset in PRESETS) {
      this.#show(preset);
      this.#scheduleEvent(preset);
    }
  }

  #button(name, title) {
    const made = button(title, () => this.choose(name));
    made.dataset.preset = name;
    made.ariaPressed = 'false';
    if (!this.app.tab && name !== 'healthy') Object.assign(made, { disabled: true, title: this.app.why ?? '' });
    return made;
  }

  /** Ends faults, sets the conditions, and shows the question. */
  async choose(name) {
    const turn = this.turn = {};
    try {
      await stopAll(this.app);
      if (turn !== this.turn) return; // another preset was chosen meanwhile
      say('');
      this.#show(name);
      await this.app.controls.apply(presetValues(name), { preset: name, reset: true, fresh: true });
      if (turn === this.turn) this.#scheduleEvent(name);
    } catch (error) {
      say(`Not set: ${error.message}`);
    }
  }

  #show(name) {
    clearTimeout(this.timer);
    for (const button of this.buttons) button.ariaPressed = String(button.dataset.preset === name);
    const preset = PRESETS[name];
    this.card.hidden = !preset;
    if (!preset) return;
    this.outcome = element('p', { className: 'outcome', hidden: true, role: 'status' });
    this.card.replaceChildren(element('p', {}, preset.look), element('p', { className: 'ask' }, preset.ask), ...this.#variants(preset), this.outcome);
  }

  #variants({ variants }) {
    if (!variants) return [];
    const row = element('div', { className: 'preset-row', role: 'group', ariaLabel: 'Compare' }, 'Compare: ');
    const buttons = variants.map(({ label, values }, index) => {
      const made = button(label, async () => {
        for (const other of buttons) other.ariaPressed = String(other === made);
        await this.app.controls.apply(values, { fresh: true }).catch((error) => say(`Not set: ${error.message}`));
      });
      made.ariaPressed = String(index === 0);
      return made;
    });
    row.append(...buttons);
    return [row];
  }

  #scheduleEvent(name) {
    const { event } = PRESETS[name];
    if (!event) return;
    this.#showOutcome(`Guess first: it happens in ${GUESS_MS / 1000} s.`);
    this.timer = setTimeout(() => this.#trigger(event), GUESS_MS);
  }

  async #trigger(event) {
    try {
      const outcome = await event(this.app);
      this.#showOutcome(outcome.text ?? outcome, outcome.undo);
    } catch (error) {
      this.#showOutcome(`It did not happen: ${error.message}`);
    }
  }

  #showOutcome(text, undo) {
    this.outcome.hidden = false;
    this.outcome.replaceChildren(text);
    if (!undo) return;
    const [label, act] = undo;
    this.outcome.append(' ', button(label, () => (act(), this.#showOutcome('The panels are back at their own endpoints.'))));
  }
}

/** Ends what a preset or a lesson left behind: grids, moved endpoints and faults. */
export async function stopAll(app) {
  app.emit('stopall', {});
  await app.tab?.heal();
}
