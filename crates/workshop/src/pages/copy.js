// Copy buttons on blocks of code: one for each command of a shell block, and one for any other block.

import { element } from "./common.js";

/** How long a button says that it has copied. */
const SAID_MS = 1500;

/** Copies text, and returns whether that worked. Over plain HTTP from another machine there is no `navigator.clipboard`. */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch { /* not there or not allowed: the old way, which needs a selection */ }
  const field = element("textarea", "", { "aria-hidden": "true", class: "offscreen" });
  field.value = text;
  document.body.append(field);
  field.select();
  try { return document.execCommand("copy"); } finally { field.remove(); }
}

/** What screen readers announce. */
const said = document.body.appendChild(element("p", "", { role: "status", class: "offscreen" }));

function button(text) {
  const made = element("button", "copy", { type: "button", class: "copy", "aria-label": `copy ${text.split("\n")[0]}` });
  made.addEventListener("click", async () => {
    const outcome = await copy(text) ? "copied" : "failed";
    made.focus();
    made.textContent = said.textContent = outcome;
    setTimeout(() => { made.textContent = "copy"; said.textContent = ""; }, SAID_MS);
  });
  return made;
}

/** The command of a line in a shell block, without its comment; "" if the line is only a comment. */
export const commandOf = (line) => line.split(/(?:^|\s+)#\s/)[0].trim();

function line(text) {
  const made = element("span", "", { class: "line" });
  const command = commandOf(text);
  if (command) made.append(button(command));
  made.append(`${text}\n`);
  return made;
}

for (const code of document.querySelectorAll("pre:not(.listing) > code")) {
  const text = code.textContent.trimEnd();
  code.parentElement.classList.add("copies");
  if (code.classList.contains("language-sh")) code.replaceChildren(...text.split("\n").map(line));
  else code.parentElement.prepend(button(text));
}
