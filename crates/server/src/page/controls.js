// The controls: every parameter with its value and unit, applied when it changes, and kept in the URL.

import { button, element } from './dom.js';
import { isFree, PARAMETERS, parameter, parse, readQuery, toQuery, writeQuery } from './url-state.js';
import { presetValues } from './presets.js';

const GROUPS = [
  { side: 'server', title: 'The feed and its server', note: 'A change starts this tab’s server again.' },
  { side: 'way', title: 'The way to it', note: 'Applied at once, to all four endpoints.' },
  { side: 'client', title: 'The clients in this page', note: 'Only the two that ask.' },
];
const DEBOUNCE_MS = 250;
const OWN = 'set by the command line of feedlab serve; choose another source to change it';

/** Fills `#controls`, and makes `app.controls`, by which presets and lessons set parameters too. */
export function setUpControls(app) {
  app.controls = new Controls(app, document.querySelector('#controls'));
}

class Controls {
  constructor(app, form) {
    this.app = app;
    this.form = form;
    /** The preset that the parameters began with, and all parameters of now. */
    this.preset = null;
    this.defaults = { ...fallbacks(), ...app.client, ...app.tab?.defaults };
    this.values = { ...this.defaults, ...app.tab?.now };
    this.#build();
    this.#begin();
  }

  /** The parameters that a preset begins with. */
  base(preset) {
    return { ...this.defaults, ...presetValues(preset) };
  }

  /**
   * Sets parameters; those that `patch` does not name stay, or with `reset` go back to what they are by default.
   * `fresh` has all panels begin again, whatever changed. One after the other: the last that is asked for is what holds.
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
      const restarted = await this.#tellLab(wanted);
      this.values = { ...wanted, ...this.app.tab?.now };
      this.#usePreset(preset);
      this.#tellClients(before);
      if (restarted || fresh || startsReadingSlowly(before, this.values)) await this.app.reconnectAll({ fresh: true });
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
    this.app.events.dispatchEvent(new CustomEvent('preset', { detail: { name } }));
  }

  async #tellLab(wanted) {
    const { tab } = this.app;
    const patch = tab ? tab.changes(wanted) : {};
    if (Object.keys(patch).length === 0) return false;
    const { restarted } = await tab.settings(patch);
    return restarted;
  }

  /** A client asks with its new interval or hold from its next request on; it is made to ask now. */
  #tellClients(before) {
    for (const [name, endpoint] of [['interval_ms', 'short-polling'], ['hold_ms', 'long-polling']]) {
      this.app.client[name] = this.values[name];
      const panel = this.app.panels.get(endpoint);
      if (before[name] !== this.values[name] && panel && !panel.state?.startsWith('closed')) panel.reconnect({ fresh: false });
    }
  }

  /** What the URL says at the start, and whenever Back is pressed. The lab has been told already, at the start. */
  #begin() {
    const { preset, values } = readQuery();
    this.preset = preset;
    const client = (all) => Object.fromEntries(PARAMETERS.filter((p) => p.side === 'client').map(({ name }) => [name, all[name]]));
    Object.assign(this.values, client({ ...this.base(preset), ...values }));
    Object.assign(this.app.client, client(this.values));
    this.show();
    if (this.app.tab?.refused) this.say(`The link asks for what this lab refuses: ${this.app.tab.refused}`);
    addEventListener('popstate', () => this.#follow());
    this.app.tab?.addEventListener('lost', () => this.#lost(), { once: true });
  }

  async #follow() {
    const { preset, values } = readQuery();
    await this.#try(() => this.apply({ ...this.base(preset), ...values }, { preset, reset: true, remember: false }));
  }

  /** A laptop that slept, for example. */
  #lost() {
    const banner = document.querySelector('#banner');
    const again = button('Reload', () => location.reload());
    banner.append(element('p', {}, 'This tab’s lab has ended: nobody asked for it for three minutes, or feedlab was started again. ', again));
    banner.hidden = false;
  }

  // What it looks like.

  #build() {
    const groups = GROUPS.map(({ side, title, note }) => {
      const rows = PARAMETERS.filter((p) => p.side === side).map((p) => this.#row(p));
      return element('fieldset', {}, element('legend', {}, title), element('p', { className: 'why' }, note), ...rows);
    });
    this.note = element('p', { className: 'controls-note' });
    this.note.role = 'status';
    const share = element('p', { className: 'why' }, 'What you change is in the address bar: copy it, and the page comes up the same elsewhere.');
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

  /** Brings every field to what holds now, except one that is being written in. */
  show() {
    const { tab, why } = this.app;
    for (const p of PARAMETERS) {
      const field = this.form.elements[p.name];
      const value = this.values[p.name];
      if (document.activeElement !== field || field.tagName === 'SELECT' || parse(p, field.value) !== value) field.value = value ?? '';
      const closed = this.#closed(p, tab, why);
      const slider = this.form.querySelector(`[data-slides=${p.name}]`);
      for (const input of [field, slider]) if (input) Object.assign(input, { disabled: Boolean(closed), title: closed ?? '' });
      if (slider) place(slider, p, value);
    }
    const own = this.form.elements.source.querySelector('[value=own]');
    own.hidden = own.disabled = this.defaults.source !== 'own';
    const fieldset = this.form.querySelector('fieldset .why');
    fieldset.textContent = !tab ? why ?? '' : this.values.source === 'own' ? `What is grey is ${OWN}.` : GROUPS[0].note;
  }

  /** Why a parameter cannot be changed now, or `undefined`. */
  #closed(p, tab, why) {
    if (p.side === 'client') return undefined;
    if (!tab) return why ?? 'there is no lab here';
    if (!isFree(p, this.values.source)) return OWN;
    if (p.synthetic && this.values.source !== 'synthetic') return 'of the synthetic feed alone; choose it as the feed to change this';
    return undefined;
  }

  say(text) {
    this.note.textContent = text;
  }

  // What a hand does.

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
      const told = Object.entries(patch).map(([name, value]) => describe(parameter(name), value)).join(', ');
      if (told) this.say(restarted ? `${told}. This tab’s server was started again with that, and the panels began again.` : `${told}.`);
    });
  }

  /** An order that is refused is told, and the fields go back to what holds. */
  async #try(task) {
    try {
      await task();
    } catch (error) {
      this.say(`Not changed: ${error.message}`);
      this.show();
    }
  }
}

/** A value in words: “Round trip: 100 ms”. */
function describe({ label, unit, choices }, value) {
  if (choices) return `${label}: ${choices[value].split(':')[0]}`;
  return `${label}: ${value === null ? 'no limit' : `${value.toLocaleString('en')} ${unit}`}`;
}

function fallbacks() {
  return Object.fromEntries(PARAMETERS.map(({ name, fallback, choices }) => [name, choices ? Object.keys(choices)[0] : fallback]));
}

/** The small receive buffer that makes slowness show is given to new connections alone. */
function startsReadingSlowly(before, now) {
  return now.reader_bytes_per_s !== before.reader_bytes_per_s;
}

/** The slider's knob: at the stop that is nearest from above. */
function place(slider, { stops, unit }, value) {
  const known = stops.indexOf(value);
  const rising = stops.at(-1) > (stops[0] ?? Infinity);
  const beyond = stops.findIndex((stop) => stop !== null && (rising ? stop >= value : stop <= value));
  slider.value = known >= 0 ? known : beyond >= 0 ? beyond : stops.length - 1;
  slider.ariaValueText = value === null ? 'none' : `${value} ${unit}`;
}

function select({ name, choices }, id) {
  const options = Object.entries(choices).map(([value, label]) => element('option', { value }, label));
  return element('select', { id, name }, ...options);
}
