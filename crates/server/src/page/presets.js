// Presets: a set of conditions each, what to look at, and a question to answer before it happens.

import { button, element, say } from './dom.js';
import { holdSix } from './grid.js';

/** How long a learner has to guess before a preset's event happens. */
const GUESS_MS = 4000;

const SLOW_FEED = { source: 'synthetic', schedule: 'constant', updates_per_s: 0.2, payload_bytes: 100 };
const BIG_FEED = { source: 'synthetic', schedule: 'constant', updates_per_s: 20, payload_bytes: 4096 };

/**
 * `values` change the defaults; `look` is what to look at, `ask` what to guess first. `event` happens by itself once there
 * was time to guess. `variants` are what to try next.
 */
export const PRESETS = {
  healthy: {
    title: 'Healthy',
    values: {},
    look: 'All four endpoints are open, and on one machine nothing is far away.',
    ask: 'Which panel has the oldest updates, and how old do they get?',
  },
  far: {
    title: '100 ms away',
    values: { rtt_ms: 100 },
    look: 'A round trip now takes 100 ms: look at the age p50 of each panel.',
    ask: 'SSE and WebSocket get an update after half a round trip. And a long poll?',
  },
  'idle-proxy': {
    title: 'Idle proxy',
    values: { ...SLOW_FEED, idle_timeout_ms: 2000, keepalive_ms: 15000 },
    look: 'An update every 5 s, and a proxy that closes what was silent for 2 s: look at the states and at “missed”.',
    ask: 'What will the SSE panel say, and will anything be lost?',
    variants: [
      { label: 'keepalive 15 s', values: { keepalive_ms: 15000, hold_ms: 25000 } },
      { label: 'keepalive 1 s: the cure', values: { keepalive_ms: 1000, hold_ms: 25000 } },
      { label: 'and hold long polls 1 s', values: { keepalive_ms: 1000, hold_ms: 1000 } },
    ],
  },
  'buffering-proxy': {
    title: 'Buffering proxy',
    values: { source: 'synthetic', schedule: 'constant', updates_per_s: 10, payload_bytes: 100, buffer_bytes: 4096 },
    look: 'A proxy passes nothing on until it has 4 KiB of it: look at the ages and at the timeline.',
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
    look: 'A deploy cuts all connections, and for 3 s whoever comes is answered 503.',
    ask: 'Which of the four will never come back by itself?',
    event: async (app) => {
      await cutAndAnswer(app, 'status-503', 3000);
      return 'The deploy happened: everything was cut, and new requests are answered 503 for 3 s. Watch who comes back.';
    },
  },
  'slow-client': {
    title: 'Slow client',
    values: { ...BIG_FEED, reader_bytes_per_s: 20000, slow: 'block' },
    look: '20 updates per second of 4 KiB are 80 kB/s, and this client reads 20 kB/s: look at the ages of SSE and WebSocket.',
    ask: 'What should the server do with a client like this?',
    variants: [
      { label: 'block', values: { slow: 'block' } },
      { label: 'latest', values: { slow: 'latest' } },
      { label: 'disconnect', values: { slow: 'disconnect' } },
    ],
  },
  'six-tabs': {
    title: 'Six tabs',
    values: {},
    look: 'Six EventSources take all connections that the browser allows to one origin; the panels then move to that origin.',
    ask: 'Which of the four panels still works?',
    event: async (app) => {
      const free = await holdSix(app);
      return { text: 'Six EventSources hold the origin. Whatever else speaks HTTP/1.1 to it waits, without an error; the WebSocket has a pool of its own.', undo: ['Close the six', free] };
    },
  },
};

export const presetValues = (name) => PRESETS[name]?.values ?? {};

/** Cuts every endpoint, and has newcomers answered so for some time, as in a deploy. */
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
    const row = element('div', { className: 'preset-row' }, ...this.buttons);
    row.role = 'group';
    row.ariaLabel = 'Presets';
    place.replaceChildren(row, this.card);
    app.events.addEventListener('quiet', () => clearTimeout(this.timer));
    app.events.addEventListener('preset', ({ detail }) => this.#show(detail.name));
    if (!app.tab) place.append(element('p', { className: 'preset-card' }, `No lab for this page: ${app.why}. The four panels use the server’s own endpoints; presets, faults and most conditions need a lab.`));
    const { preset } = app.controls;
    if (app.tab && preset in PRESETS) {
      this.#show(preset);
      this.#await(preset);
    }
  }

  #button(name, title) {
    const made = button(title, () => this.choose(name));
    made.dataset.preset = name;
    made.ariaPressed = 'false';
    if (!this.app.tab && name !== 'healthy') Object.assign(made, { disabled: true, title: this.app.why ?? '' });
    return made;
  }

  /** Heals what is broken, sets the conditions, and shows the question. */
  async choose(name) {
    const turn = this.turn = {};
    try {
      await quiet(this.app);
      if (turn !== this.turn) return; // another one was chosen meanwhile
      say('');
      this.#show(name);
      await this.app.controls.apply(presetValues(name), { preset: name, reset: true, fresh: true });
      if (turn === this.turn) this.#await(name);
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
    this.outcome = element('p', { className: 'outcome', hidden: true });
    this.outcome.role = 'status';
    const look = element('p', {}, preset.look);
    const ask = element('p', { className: 'ask' }, preset.ask);
    this.card.replaceChildren(look, ask, ...this.#variants(preset), this.outcome);
  }

  /** What a preset offers to compare: toggles, of which one is pressed. */
  #variants({ variants }) {
    if (!variants) return [];
    const row = element('div', { className: 'preset-row' }, element('span', {}, 'Compare: '));
    row.role = 'group';
    row.ariaLabel = 'Compare';
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

  /** Gives time to guess, and lets the event happen. */
  #await(name) {
    const { event } = PRESETS[name];
    if (!event) return;
    this.#tell(`Guess first: it happens in ${GUESS_MS / 1000} s.`);
    this.timer = setTimeout(() => this.#happen(event), GUESS_MS);
  }

  async #happen(event) {
    try {
      const outcome = await event(this.app);
      this.#tell(outcome.text ?? outcome, outcome.undo);
    } catch (error) {
      this.#tell(`It did not happen: ${error.message}`);
    }
  }

  #tell(text, undo) {
    this.outcome.hidden = false;
    this.outcome.replaceChildren(text);
    if (!undo) return;
    const [label, act] = undo;
    const free = () => (act(), this.#tell('They are closed, and the panels are back at their own endpoints.'));
    this.outcome.append(' ', button(label, free));
  }
}

/** Ends whatever a preset or a lesson has left: grids, borrowed endpoints, and faults, whose number it returns. */
export async function quiet(app) {
  app.events.dispatchEvent(new CustomEvent('quiet', { detail: {} }));
  return (await app.tab?.heal())?.healed ?? 0;
}
