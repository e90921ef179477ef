// What every page of the workshop needs: the learner's name, the projector switch, and a few small things.

const NAME = "feedlab-name";
const PROJECTOR = "feedlab-projector";

/** localStorage may be switched off; then a name lives as long as its page. */
const keep = {
  get(key) { try { return localStorage.getItem(key) ?? ""; } catch { return ""; } },
  set(key, value) { try { localStorage.setItem(key, value); } catch { /* it lives as long as the page */ } },
};

const field = document.querySelector("#who");
field.value = keep.get(NAME);

/** The learner's name; "" until there is one. */
export const who = () => field.value.trim();

/** Asks for the name where it is missing. */
export function askName() {
  field.focus();
  field.scrollIntoView({ block: "center" });
}

/** Calls back when the name changes. */
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

/** An address below `/workshop/`, wherever a proxy has put that: this file is at `/workshop/page/`. */
export const below = (path) => new URL(`../${path}`, import.meta.url).href;

/** Asks for a path below `/workshop/`; `{ ok, status, body }`, where the body of a refusal is its sentence. */
export async function ask(path, json) {
  const request = json === undefined ? { cache: "no-store" }
    : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(json) };
  try {
    const response = await fetch(below(path), request);
    const body = response.ok ? await response.json() : (await response.text()).trim();
    return { ok: response.ok, status: response.status, body };
  } catch {
    return { ok: false, status: 0, body: "the workshop's server does not answer; is `feedlab workshop` still running?" };
  }
}

/** Writes a sentence where it is seen and read out. */
export function say(where, text, wrong = false) {
  where.classList.toggle("wrong", wrong);
  if (where.textContent !== text) where.textContent = text;
}

/** An element with text in it: texts of others never become markup. */
export function element(name, text = "", attributes = {}) {
  const made = Object.assign(document.createElement(name), { textContent: text });
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** A number of three digits. */
export const figure = (value) =>
  Math.abs(value) >= 100 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3)));

/** Puts a picture that the server drew into the page, unless it is there already. */
export function draw(where, svg) {
  if (where.dataset.drawn === svg) return;
  where.dataset.drawn = svg;
  where.innerHTML = svg;
}

/** Calls back now and every so often while the page can be seen; what it does is never done twice at once. */
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

/** What is known about an answer, as a list. */
export function answer(tally) {
  const { known, unit = "" } = tally;
  const list = element("dl");
  const row = (term, ...parts) => {
    const text = element("dd");
    text.append(...parts);
    list.append(element("dt", term), text);
  };
  if (known.right) row("right", element("b", tally.choices.find((choice) => choice.id === known.right)?.text ?? known.right));
  if (known.predicted !== null) row("the formula says", `${figure(known.predicted)} ${unit}`);
  if (known.measured !== null) {
    const report = element("a", known.from ?? "its report", { href: below(known.report), target: "_blank" });
    row("measured", `${figure(known.measured)} ${unit}: `, report);
  }
  row("because", known.because);
  return list;
}

for (const code of document.querySelectorAll("pre")) {
  // What scrolls must be reachable with the keyboard.
  code.tabIndex = 0;
}
