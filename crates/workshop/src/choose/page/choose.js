// The page of choices: sliders that set the fields, and an answer and a map that follow. The server computes both.

const form = document.querySelector("form");
const map = document.querySelector("#map");
const narrow = document.querySelector("#narrow");
const error = document.querySelector("#error");
const best = document.querySelector("#best");
const sliders = [...document.querySelectorAll("[type=range]")];
const fieldOf = (slider) => document.getElementById(slider.id.replace("-slider", ""));

/** Returns a value with its unit, rounded to two digits. */
function written(value, unit) {
  if (unit === "ms") {
    const ms = Math.max(1, Number((value * 1000).toPrecision(2)));
    return ms < 10000 ? `${Math.round(ms)}ms` : `${Math.round(ms / 1000)}s`;
  }
  const rounded = Number(value.toPrecision(2));
  if (unit === " B" || unit === "") return `${Math.round(rounded)}${unit}`;
  return unit === "/s" ? `${rounded}/s` : `${rounded}`;
}

function query() {
  const data = new URLSearchParams();
  for (const [key, value] of new FormData(form)) if (value.trim()) data.append(key, value);
  return data.toString();
}

function show(words) {
  best.textContent = words.best;
  document.querySelector("#rows").replaceChildren(...words.rows.map(([name, ...cells]) => {
    const row = document.createElement("tr");
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = name;
    row.append(head, ...cells.map((text) => {
      const cell = document.createElement("td");
      cell.textContent = text;
      return cell;
    }));
    return row;
  }));
  document.querySelector("#changes").replaceChildren(...words.changes.map((text) => {
    const item = document.createElement("li");
    item.textContent = text;
    return item;
  }));
  const at = Object.fromEntries(words.sliders);
  for (const slider of sliders) {
    const field = fieldOf(slider);
    if (document.activeElement !== slider && at[field.name] !== undefined) slider.value = at[field.name];
    slider.setAttribute("aria-valuetext", field.value || "none");
  }
}

/** Shows the map of a query, and waits until it is there. */
function draw(asked) {
  return new Promise((done) => {
    map.onload = map.onerror = done;
    narrow.srcset = `choose/map.svg?${asked}&width=narrow`;
    map.src = `choose/map.svg?${asked}`;
    map.alt = `Map of the best transport by the two inputs. ${best.textContent} When that changes is listed below.`;
    setTimeout(done, 10000);
  });
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

let busy = false;
let shown = query();

/** Asks until what is shown is what the form says; one question at a time. */
async function ask() {
  if (busy) return;
  busy = true;
  try {
    for (let asked = query(); asked !== shown; asked = query()) {
      const response = await fetch(`choose/answer?${asked}`);
      if (response.status === 503) {
        await pause(1000);
        continue;
      }
      shown = asked;
      history.replaceState(null, "", `choose?${asked}`);
      error.textContent = response.ok ? "" : await response.text();
      if (!response.ok) {
        best.textContent = "No answer";
        continue;
      }
      show(await response.json());
      await draw(asked);
    }
  } catch {
    error.textContent = "The server does not answer.";
  } finally {
    busy = false;
  }
}

let timer;
form.addEventListener("input", ({ target }) => {
  if (target.type === "range") {
    const { low, high, unit } = target.dataset;
    fieldOf(target).value = written(low * (high / low) ** (target.value / 1000), unit);
    target.setAttribute("aria-valuetext", fieldOf(target).value);
  }
  clearTimeout(timer);
  timer = setTimeout(ask, target.type === "range" ? 120 : 400);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(timer);
  ask();
});
for (const slider of sliders) {
  slider.hidden = false;
  slider.setAttribute("aria-valuetext", fieldOf(slider).value || "none");
}
