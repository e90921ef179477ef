// What the report adds where scripts run: values under the pointer and the keyboard, contenders that can be switched
// off, and sorted tables. Without it, everything is readable. It loads nothing, keeps nothing but the fragment of the
// address, and may not exceed the bound in page/script.rs; its hash is in the page's policy.
'use strict';
(() => {
  const all = (css, root = document) => [...root.querySelectorAll(css)];
  const make = (tag, properties) => Object.assign(document.createElement(tag), properties);
  const plain = (text) => text.replace(/\s+/g, ' ').trim();
  document.documentElement.classList.add('js');

  // Contenders that are switched off, by their index; the fragment of the address keeps them.
  const off = new Set();
  const switches = document.querySelector('.switches');
  const buttons = switches ? all('[data-of]', switches) : [];
  const showAll = switches?.querySelector('.all');
  const names = buttons.map((button) => [plain(button.textContent), button.dataset.of]);
  names.sort((a, b) => b[0].length - a[0].length);

  // The contender of a row: its label, alone or followed by the point of a sweep.
  const contenderOf = (row) => {
    const text = plain(row.querySelector('th')?.textContent ?? '');
    return names.find(([name]) => text === name || text.startsWith(`${name}, `))?.[1];
  };
  const rows = all('tbody tr').map((row) => [row, contenderOf(row)]);

  const apply = () => {
    for (const button of buttons) button.setAttribute('aria-pressed', !off.has(button.dataset.of));
    if (showAll) showAll.disabled = off.size === 0;
    for (const part of all('[data-part]')) part.classList.toggle('off', off.has(part.dataset.part));
    for (const area of all('.hover')) area.classList.toggle('off', area.dataset.of.split(' ').every((of) => off.has(of)));
    for (const [row, of] of rows) row.hidden = off.has(of);
  };
  const remember = () => {
    const fragment = off.size ? `#without=${[...off].sort((a, b) => a - b).join('.')}` : '#';
    try { history.replaceState(null, '', fragment); } catch { /* Where the address cannot change, only the page does. */ }
  };
  const recall = () => {
    const kept = /^#without=([\d.]+)$/.exec(location.hash)?.[1].split('.') ?? [];
    off.clear();
    for (const of of kept) if (names.some((name) => name[1] === of)) off.add(of);
    apply();
  };
  const change = (act) => { act(); apply(); remember(); };
  for (const button of buttons) {
    const { of } = button.dataset;
    button.addEventListener('click', () => change(() => off.delete(of) || off.add(of)));
  }
  showAll?.addEventListener('click', () => { change(() => off.clear()); buttons[0].focus(); });
  addEventListener('hashchange', () => { if (location.hash.startsWith('#without=')) recall(); });
  if (switches) switches.hidden = false;
  recall();

  // Values: an area of a chart knows its text, which a title shows without a script.
  const said = make('p', { className: 'said' });
  said.setAttribute('aria-live', 'polite');
  document.body.append(said);

  const answering = (box, title) => {
    const texts = new Map();
    for (const area of all('.hover', box)) {
      const text = area.querySelector('title');
      texts.set(area, text.textContent);
      text.remove();
    }
    const tip = make('div', { className: 'tip', hidden: true });
    tip.setAttribute('aria-hidden', 'true');
    box.append(tip);
    box.tabIndex = 0;
    box.setAttribute('role', 'application');
    box.setAttribute('aria-roledescription', 'chart');
    box.setAttribute('aria-label', `${title}. Arrow keys move along the values, Home and End jump, Escape ends.`);

    // With several contenders, each has a line after the first.
    const textOf = (area) => {
      const of = area.dataset.of.split(' ');
      const lines = texts.get(area).split('\n');
      return of.length < 2 ? lines : lines.filter((_, line) => line === 0 || !off.has(of[line - 1]));
    };
    const place = (area) => {
      const [outer, inner] = [box, area].map((it) => it.getBoundingClientRect());
      const isBroad = inner.width > outer.width / 2;
      const right = inner.right - outer.left + 6;
      const left = right + tip.offsetWidth <= outer.width ? right : inner.left - outer.left - 6 - tip.offsetWidth;
      const below = inner.bottom - outer.top + 2;
      tip.style.left = `${isBroad ? (outer.width - tip.offsetWidth) / 2 : Math.max(left, 0)}px`;
      tip.style.top = `${isBroad ? below : inner.top - outer.top + 8}px`;
    };
    let current = null;
    const show = (area, aloud) => {
      current?.classList.remove('at');
      current = area;
      tip.hidden = !area;
      if (!area) return;
      area.classList.add('at');
      const lines = textOf(area);
      tip.replaceChildren(...lines.map((text) => make('div', { textContent: text })));
      place(area);
      if (aloud) said.textContent = lines.join('; ');
    };

    const shown = () => [...texts.keys()].filter((area) => !area.classList.contains('off'));
    const along = (areas, step) => {
      const at = areas.indexOf(current);
      if (at < 0) return areas.at(step > 0 ? 0 : -1);
      return areas[Math.min(Math.max(at + step, 0), areas.length - 1)];
    };
    // Up and down lead to another contender, at the same place if it has a value there.
    const across = (areas, step) => {
      const at = areas.indexOf(current);
      const ahead = at < 0 ? [] : step > 0 ? areas.slice(at) : areas.slice(0, at + 1).reverse();
      const next = ahead.find((area) => area.dataset.of !== current.dataset.of);
      if (!next) return along(areas, step);
      const kinOf = (it) => areas.filter((area) => area.dataset.of === it.dataset.of);
      const into = (area, kin) => area.x.baseVal.value - kin[0].x.baseVal.value;
      const [here, kin] = [into(current, kinOf(current)), kinOf(next)];
      const away = (area) => Math.abs(into(area, kin) - here);
      return kin.reduce((best, area) => (away(area) < away(best) ? area : best));
    };
    const keys = {
      ArrowRight: (areas) => along(areas, 1), ArrowLeft: (areas) => along(areas, -1),
      ArrowDown: (areas) => across(areas, 1), ArrowUp: (areas) => across(areas, -1),
      Home: (areas) => areas[0], End: (areas) => areas.at(-1), Escape: () => null,
    };
    box.addEventListener('keydown', (event) => {
      const to = keys[event.key];
      if (!to || event.ctrlKey || event.altKey || event.metaKey || (event.key === 'Escape' && !current)) return;
      event.preventDefault();
      show(to(shown()) ?? null, true);
    });
    box.addEventListener('pointerover', (event) => { const area = event.target.closest('.hover'); if (area) show(area); });
    box.addEventListener('pointerleave', () => show(null));
    box.addEventListener('blur', () => show(null));
  };
  for (const figure of all('figure')) {
    const title = plain(figure.querySelector('h3').textContent);
    for (const box of all('.wide, .narrow', figure)) if (box.querySelector('.hover')) answering(box, title);
  }

  // Tables: a figure is read in the base unit of its kind.
  const UNITS = { ms: 1e3, s: 1e6, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };
  const valueOf = (text) => {
    const [, sign, digits, unit] = /^[<>≥≤]?\s*([−+-]?)([\d,]+(?:\.\d+)?)\s*(\S*)/.exec(text) ?? [];
    return digits && (/[−-]/.test(sign) ? -1 : 1) * Number(digits.replaceAll(',', '')) * (UNITS[unit] ?? 1);
  };
  const compare = (a, b) => {
    const [x, y] = [a, b].map(valueOf);
    return x !== undefined && y !== undefined ? x - y : a.localeCompare(b, 'en', { numeric: true });
  };
  const NEXT = { none: 'ascending', ascending: 'descending', descending: 'none' };
  const sortable = (table) => {
    const [body, heads] = [table.tBodies[0], all('thead th', table)];
    const original = [...body.rows];
    const by = (column, order) => (a, b) => {
      const [x, y] = [a, b].map((row) => plain(row.cells[column].textContent));
      // What was not measured is last in both orders.
      if (x === '—' || y === '—') return (x === '—') - (y === '—');
      return order === 'ascending' ? compare(x, y) : compare(y, x);
    };
    heads.forEach((head, column) => {
      const button = make('button', { type: 'button' });
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener('click', () => {
        const order = NEXT[head.getAttribute('aria-sort') ?? 'none'];
        for (const other of heads) other.removeAttribute('aria-sort');
        if (order !== 'none') head.setAttribute('aria-sort', order);
        body.append(...(order === 'none' ? original : [...original].sort(by(column, order))));
      });
    });
  };
  for (const table of all('table')) if (table.tBodies[0]?.rows.length > 1) sortable(table);

  addEventListener('beforeprint', () => { for (const it of all('details')) it.open = true; });
})();
