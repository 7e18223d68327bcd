/**
 * Elements of the page: finding them, and making them without HTML in strings.
 *
 * @module elements
 */

/** @param {string} id */
export function byId(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/** Make an element; properties with a hyphen are attributes. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes('-') || key === 'role' || key === 'scope') made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children);
  return made;
}

/** Offer `blob` as the download `name`. */
export function download(name, blob) {
  const href = URL.createObjectURL(blob);
  element('a', { href, download: name }).click();
  // Browsers read the blob after the click.
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}

/** Fill a table for readers who prefer numbers to a picture. */
export function fillTable(table, caption, head, rows) {
  table.replaceChildren(
    element('caption', { className: 'sr', textContent: caption }),
    element('thead', {}, row(head.map((text) => element('th', { scope: 'col', textContent: text })))),
    element('tbody', {}, ...rows.map(([first, ...rest]) =>
      row([
        element('th', { scope: 'row', textContent: first }),
        ...rest.map((text) => element('td', { textContent: text })),
      ]))),
  );
}

function row(cells) {
  return element('tr', {}, ...cells);
}
