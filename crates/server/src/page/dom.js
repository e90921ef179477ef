// Creates and fills elements of the page. Every part uses this module; it knows none of them.

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

/** Shows a text in `#lesson`, and the elements `more` below it. */
export function say(text, ...more) {
  const place = document.querySelector('#lesson');
  if (place.textContent !== text) place.textContent = text;
  const detail = document.querySelector('#lesson-detail');
  detail.replaceChildren(...more);
  detail.hidden = more.length === 0;
}
