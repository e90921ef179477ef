// What every page of the workshop needs: the learner's name and device, the projector mode, and a few functions.

const NAME = "feedlab-name";
const DEVICE = "feedlab-device";
const PROJECTOR = "feedlab-projector";

/** Stores values in localStorage. If that is disabled, they last only as long as their page. */
const values = new Map();
export const keep = {
  get(key) { try { return localStorage.getItem(key) ?? ""; } catch { return values.get(key) ?? ""; } },
  set(key, value) { try { localStorage.setItem(key, value); } catch { values.set(key, value); } },
};

/** Returns 128 random bits. `crypto.randomUUID` is missing on pages without TLS, as they are in a classroom. */
export const randomId = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** Returns the id of this browser, so that two people with the same name are two. */
export function device() {
  if (!keep.get(DEVICE)) keep.set(DEVICE, randomId());
  return keep.get(DEVICE);
}

const field = document.querySelector("#who");
field.value = keep.get(NAME);

/** Returns the learner's name; "" if it is missing. */
export const who = () => field.value.trim();

const nameSaid = document.querySelector("#who-said");

/** Moves the focus to the field for the name, and says why, next to it and to screen readers. */
export function askName() {
  field.scrollIntoView({ block: "center" });
  field.focus({ preventScroll: true });
  field.setAttribute("aria-invalid", "true");
  say(nameSaid, "Enter your name, then vote.", true);
}

field.addEventListener("input", () => {
  field.removeAttribute("aria-invalid");
  say(nameSaid, "");
});

/** Sets the name, as if it had been typed at the top of the page. */
export function setName(name) {
  field.value = name.trim();
  field.dispatchEvent(new Event("input"));
  field.dispatchEvent(new Event("change"));
}

/** Calls `callback` when the name changes. */
export function onName(callback) {
  field.addEventListener("change", () => { keep.set(NAME, who()); callback(); });
}
onName(() => {});

const projector = document.querySelector("#projector");
function project(on) {
  document.documentElement.toggleAttribute("data-projector", on);
  projector.setAttribute("aria-pressed", String(on));
  keep.set(PROJECTOR, on ? "on" : "");
}
project(keep.get(PROJECTOR) === "on");
projector.addEventListener("click", () => project(projector.getAttribute("aria-pressed") !== "true"));

/** Returns a URL below `/workshop/`, also behind a path prefix: this file is at `/workshop/page/`. */
export const below = (path) => new URL(`../${path}`, import.meta.url).href;

/**
 * Requests a path below `/workshop/`, if there is one with the instructor's token. Returns `{ ok, status, body }`; the
 * body of an error is its message, and the status 0 means that there was no response.
 */
export async function ask(path, json, token) {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  const request = json === undefined ? { cache: "no-store", headers }
    : { method: "POST", headers: { ...headers, "content-type": "application/json" }, body: JSON.stringify(json) };
  try {
    const response = await fetch(below(path), request);
    const body = response.ok ? await response.json() : (await response.text()).trim();
    return { ok: response.ok, status: response.status, body };
  } catch {
    return { ok: false, status: 0, body: "the workshop's server does not respond; is `feedlab workshop` still running?" };
  }
}

/** Shows a message in a status element, which screen readers announce. */
export function say(where, text, wrong = false) {
  where.classList.toggle("wrong", wrong);
  if (where.textContent !== text) where.textContent = text;
}

/** Creates an element with text. The text never becomes markup. */
export function element(name, text = "", attributes = {}) {
  const made = Object.assign(document.createElement(name), { textContent: text });
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** Formats a number with three significant digits. */
export const figure = (value) =>
  Math.abs(value) >= 100 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3)));

/** Shows an SVG from the server, unless it is already shown. */
export function draw(where, svg) {
  if (where.dataset.drawn === svg) return;
  where.dataset.drawn = svg;
  where.innerHTML = svg;
}

/** The query that has a chart drawn for this screen. */
export const width = () => matchMedia("(max-width: 40rem)").matches ? "&width=narrow" : "";

/** Calls `work` now and every `ms` milliseconds while the page is visible. Calls never overlap. */
export function every(ms, work) {
  let busy = false;
  const tick = async () => {
    if (busy || document.hidden) return;
    busy = true;
    try { await work(); } finally { busy = false; }
  };
  setInterval(tick, ms);
  document.addEventListener("visibilitychange", tick);
  return tick();
}

/** Creates a list of what is known about an answer. */
export function answer(tally) {
  const { known, unit = "" } = tally;
  const list = element("dl");
  const row = (term, ...parts) => {
    const text = element("dd");
    text.append(...parts);
    list.append(element("dt", term), text);
  };
  if (known.right) row("right answer", element("b", tally.choices.find((choice) => choice.id === known.right)?.text ?? known.right));
  if (known.predicted !== null) row("predicted by arithmetic", `${figure(known.predicted)} ${unit}`);
  if (known.measured !== null) {
    const from = known.from ?? "its report";
    const report = known.report ? element("a", from, { href: below(known.report), target: "_blank" }) : from;
    row("measured", `${figure(known.measured)} ${unit}: `, report);
  }
  row("because", known.because);
  return list;
}

for (const code of document.querySelectorAll("pre")) {
  // Scrollable elements must be reachable with the keyboard.
  code.tabIndex = 0;
}
