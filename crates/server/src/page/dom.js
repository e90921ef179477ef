// Elements of the page, made and filled. Every part uses it; it knows none of them.

/** An element with properties and children. */
export function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** A button that does something. */
export function button(label, act) {
  const made = element('button', { type: 'button' }, label);
  made.addEventListener('click', act);
  return made;
}

/** Says something in `#lesson`; `more` are elements to look at below it. */
export function say(text, ...more) {
  const place = document.querySelector('#lesson');
  if (place.textContent !== text) place.textContent = text;
  const detail = document.querySelector('#lesson-detail');
  detail.replaceChildren(...more);
  detail.hidden = more.length === 0;
}
