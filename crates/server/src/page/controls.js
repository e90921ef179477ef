// The controls: every parameter with its value and unit, applied when it changes, and stored in the URL.

import { element } from './dom.js';
import { canChange, PARAMETERS, parameter, parse, readQuery, toQuery, writeQuery } from './url-state.js';
import { presetValues } from './presets.js';

const GROUPS = [
  { side: 'server', title: 'The feed and its server', note: 'A change restarts this tab’s server.' },
  { side: 'path', title: 'The network path', note: 'Applied immediately, to all four endpoints.' },
  { side: 'client', title: 'The clients in this page', note: 'Only the two that poll.' },
];
const DEBOUNCE_MS = 250;

/** Fills `#controls`, and creates `app.controls`. */
export function setUpControls(app) {
  app.controls = new Controls(app, document.querySelector('#controls'));
}

class Controls {
  constructor(app, form) {
    this.app = app;
    this.form = form;
    /** The preset that the parameters are based on. */
    this.preset = null;
    this.defaults = { ...fallbacks(), ...app.client, ...app.tab?.defaults };
    this.values = { ...this.defaults };
    this.#build();
    this.#readUrl();
  }

  base(preset) {
    return { ...this.defaults, ...presetValues(preset) };
  }

  /**
   * Sets parameters. Those that `patch` does not name stay, or with `reset` return to their defaults. With `fresh` all
   * panels start over. Calls run one after the other, so the last one wins.
   */
  apply(patch, how = {}) {
    this.turn = (this.turn ?? Promise.resolve()).catch(() => {}).then(() => this.#apply(patch, how));
    return this.turn;
  }

  async #apply(patch, { preset = this.preset, reset = false, fresh = false, remember = true }) {
    const wanted = { ...(reset ? this.defaults : this.values), ...patch };
    const before = this.values;
    this.form.ariaBusy = 'true';
    this.say('');
    try {
      const restarted = await this.#applyToLab(wanted);
      this.values = { ...wanted, ...this.app.tab?.now };
      this.#usePreset(preset);
      this.#applyToClients(before);
      // Only new connections get the small receive buffer that makes slowness visible.
      const isSlower = this.values.reader_bytes_per_s !== before.reader_bytes_per_s;
      if (restarted || fresh || isSlower) await this.app.reconnectAll({ fresh: true });
      if (remember) writeQuery(toQuery(preset, this.values, this.base(preset)));
      return restarted;
    } finally {
      this.form.ariaBusy = 'false';
      this.show();
    }
  }

  #usePreset(name) {
    if (name === this.preset) return;
    this.preset = name;
    this.app.emit('preset', { name });
  }

  async #applyToLab(wanted) {
    const { tab } = this.app;
    const patch = tab ? tab.changes(wanted) : {};
    if (Object.keys(patch).length === 0) return false;
    const { restarted } = await tab.settings(patch);
    return restarted;
  }

  /** A new interval or hold applies from the next request; reconnecting makes the client send that now. */
  #applyToClients(before) {
    for (const [name, endpoint] of [['interval_ms', 'short-polling'], ['hold_ms', 'long-polling']]) {
      this.app.client[name] = this.values[name];
      const panel = this.app.panels.get(endpoint);
      if (before[name] !== this.values[name] && panel && !panel.state?.startsWith('closed')) panel.reconnect({ fresh: false });
    }
  }

  /** Reads the URL at the start, and whenever Back is pressed. At the start, the lab already has its settings. */
  #readUrl() {
    const { preset, values } = readQuery();
    this.preset = preset;
    const client = (all) => Object.fromEntries(PARAMETERS.filter((p) => p.side === 'client').map(({ name }) => [name, all[name]]));
    Object.assign(this.values, client({ ...this.base(preset), ...values }));
    Object.assign(this.app.client, client(this.values));
    this.renew();
    addEventListener('popstate', () => this.#followUrl());
  }

  /** Shows the settings of a lab that has been opened with those in the URL. */
  renew() {
    const { defaults, now, refused } = this.app.tab ?? {};
    Object.assign(this.defaults, defaults);
    Object.assign(this.values, now);
    this.show();
    if (refused) this.say(`This lab refused the settings of the link: ${refused}`);
  }

  async #followUrl() {
    const { preset, values } = readQuery();
    await this.#try(() => this.apply({ ...this.base(preset), ...values }, { preset, reset: true, remember: false }));
  }

  // Display.

  #build() {
    const groups = GROUPS.map(({ side, title, note }) => {
      const rows = PARAMETERS.filter((p) => p.side === side).map((p) => this.#row(p));
      return element('fieldset', {}, element('legend', {}, title), element('p', { className: 'why' }, note), ...rows);
    });
    this.note = element('p', { className: 'controls-note', role: 'status' });
    const share = element('p', { className: 'why' }, 'Your changes are in the address: copy it to open the page with the same settings.');
    this.form.replaceChildren(this.note, ...groups, share);
    this.form.addEventListener('submit', (event) => event.preventDefault());
    this.form.addEventListener('input', ({ target }) => target.type === 'range' && this.#slid(target));
    this.form.addEventListener('change', ({ target }) => this.#changed(target.dataset.slides ?? target.name));
  }

  #row(p) {
    const id = `control-${p.name}`;
    const label = element('label', { htmlFor: id }, p.label);
    if (p.choices) return element('div', { className: 'control choice' }, label, select(p, id));
    const field = element('input', { id, name: p.name, type: 'number', min: p.min, max: p.max, step: 'any', placeholder: 'none' });
    const unit = element('span', { className: 'unit', id: `${id}-unit` }, p.unit);
    field.setAttribute('aria-describedby', unit.id);
    const slider = element('input', { type: 'range', min: 0, max: p.stops.length - 1, step: 1 });
    slider.dataset.slides = p.name;
    slider.ariaLabel = `${p.label}, in steps`;
    return element('div', { className: 'control' }, label, field, unit, slider);
  }

  /** Shows the current value in every field, except one that is being edited. */
  show() {
    const { tab, why } = this.app;
    for (const p of PARAMETERS) {
      const field = this.form.elements[p.name];
      const value = this.values[p.name];
      if (document.activeElement !== field || field.tagName === 'SELECT' || parse(p, field.value) !== value) field.value = value ?? '';
      const locked = this.#whyLocked(p, tab, why);
      const slider = this.form.querySelector(`[data-slides=${p.name}]`);
      for (const input of [field, slider]) if (input) Object.assign(input, { disabled: Boolean(locked), title: locked ?? '' });
      if (slider) place(slider, p, value);
    }
    const own = this.form.elements.source.querySelector('[value=own]');
    own.hidden = own.disabled = this.defaults.source !== 'own';
    const fieldset = this.form.querySelector('fieldset .why');
    fieldset.textContent = !tab ? why ?? '' : this.values.source === 'own' ? 'Grayed-out settings are those of the command line. To change them, choose another feed.' : GROUPS[0].note;
  }

  /** Why a parameter cannot be changed now. */
  #whyLocked(p, tab, why) {
    if (p.side === 'client') return;
    if (!tab) return why ?? 'this page has no lab';
    if (!canChange(p, this.values.source)) return 'set by the command line of feedlab serve; choose another feed to change it';
    if (p.synthetic && this.values.source !== 'synthetic') return 'only for the synthetic feed';
  }

  say(text) {
    this.note.textContent = text;
  }

  // Input.

  #slid(slider) {
    const p = parameter(slider.dataset.slides);
    const value = p.stops[Number(slider.value)];
    this.form.elements[p.name].value = value ?? '';
    place(slider, p, value);
    this.#changed(p.name);
  }

  #changed(name) {
    this.pending = { ...this.pending, [name]: this.form.elements[name].value };
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#settle(), DEBOUNCE_MS);
  }

  async #settle() {
    const patch = {};
    for (const [name, text] of Object.entries(this.pending)) {
      const value = parse(parameter(name), text);
      if (value !== undefined) patch[name] = value;
    }
    this.pending = {};
    await this.#try(async () => {
      const restarted = await this.apply(patch);
      const changes = Object.entries(patch).map(([name, value]) => describe(parameter(name), value)).join(', ');
      if (changes) this.say(restarted ? `${changes}. This tab’s server was restarted, and the panels started over.` : `${changes}.`);
    });
  }

  async #try(task) {
    try {
      await task();
    } catch (error) {
      this.say(`Not changed: ${error.message}`);
      this.show();
    }
  }
}

function describe({ label, unit, choices }, value) {
  if (choices) return `${label}: ${choices[value].split(':')[0]}`;
  return `${label}: ${value === null ? 'no limit' : `${value.toLocaleString('en')} ${unit}`}`;
}

function fallbacks() {
  return Object.fromEntries(PARAMETERS.map(({ name, fallback, choices }) => [name, choices ? Object.keys(choices)[0] : fallback]));
}

/** Moves the slider's thumb to the stop that is nearest to the value. */
function place(slider, { stops, unit }, value) {
  const off = (stop) => (stop === value ? -1 : Math.abs((stop ?? 1e12) - (value ?? 1e12)));
  const least = Math.min(...stops.map(off));
  slider.value = stops.findIndex((stop) => off(stop) === least);
  slider.ariaValueText = value === null ? 'none' : `${value} ${unit}`;
}

function select({ name, choices }, id) {
  const options = Object.entries(choices).map(([value, label]) => element('option', { value }, label));
  return element('select', { id, name }, ...options);
}
