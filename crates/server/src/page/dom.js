// Creates and fills elements of the page.

/** Creates an element with properties and children. */
export function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** Creates a button that calls `act`. */
export function button(label, act) {
  const made = element('button', { type: 'button' }, label);
  made.addEventListener('click', act);
  return made;
}

/** Shows a text in an element, or hides it if there is none. Rewriting the same text would be announced again. */
export function show(selector, text) {
  const place = document.querySelector(selector);
  if (place.textContent !== text) place.textContent = text;
  place.hidden = text === '';
}

/** Shows a text in `#lesson`, and the elements `more` above it. */
export function say(text, ...more) {
  show('#lesson', text);
  const detail = document.querySelector('#lesson-detail');
  detail.replaceChildren(...more);
  detail.hidden = more.length === 0;
}
