/**
 * The table of films: sorted by a measure, in pages.
 *
 * @module films
 */

import { byId, element } from './elements.js';
import { MEASURES, whole } from './measures.js';

export const PAGE_SIZE = 10;

/**
 * @param {object} report  The films of this page.
 * @param {{sort: string, order: string, chosen: string|null}} view
 * @param {(movieId: string) => string} titleOf
 * @param {{sortBy: (measure: string) => void, choose: (movieId: string) => void}} on
 */
export function drawFilms(report, view, titleOf, on) {
  const focused = document.activeElement?.closest?.('#films button')?.dataset.key;
  const most = Math.max(1, ...report.items.map((each) => MEASURES[view.sort].scaled(each.measures)));
  byId('films').replaceChildren(head(view, on.sortBy), element('tbody', {},
    ...report.items.map((each, index) =>
      line(each, report.offset + index + 1, view, titleOf, on.choose, most))));
  if (focused) byId('films').querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  byId('films').hidden = report.count === 0;
  byId('films-empty').hidden = report.count !== 0;
  byId('films-count').textContent = report.count ? `${whole(report.count)} watched` : '';
  drawPages(report);
}

function head(view, sortBy) {
  const columns = Object.entries(MEASURES).map(([name, { name: text, hint }]) => {
    const sorted = view.sort === name;
    const button = element('button', { type: 'button', title: hint, onclick: () => sortBy(name) },
      element('span', {
        className: 'arrow', 'aria-hidden': 'true', textContent: sorted ? (view.order === 'asc' ? '↑' : '↓') : '',
      }), text);
    button.dataset.key = name;
    const direction = view.order === 'asc' ? 'ascending' : 'descending';
    return element('th', { scope: 'col', 'aria-sort': sorted ? direction : 'none' }, button);
  });
  return element('thead', {}, element('tr', {},
    element('th', { scope: 'col', className: 'rank', textContent: '#' }),
    element('th', { scope: 'col', textContent: 'Film' }),
    ...columns));
}

function line({ movie_id: id, measures }, rank, view, titleOf, choose, most) {
  const button = element('button', { type: 'button', className: 'link', onclick: () => choose(id) }, titleOf(id));
  button.dataset.key = id;
  if (id === view.chosen) button.setAttribute('aria-current', 'true');
  const bar = element('i', { className: 'share', 'aria-hidden': 'true' });
  bar.style.width = `${(MEASURES[view.sort].scaled(measures) / most) * 100}%`;
  return element('tr', { className: id === view.chosen ? 'chosen' : '' },
    element('td', { className: 'rank', textContent: String(rank) }),
    element('th', { scope: 'row' }, button, bar),
    ...Object.values(MEASURES).map((measure) => element('td', { textContent: measure.text(measures) })));
}

function drawPages({ count, offset }) {
  byId('pages').hidden = count <= PAGE_SIZE;
  byId('page').textContent =
    `${whole(Math.min(offset + 1, count))} to ${whole(Math.min(offset + PAGE_SIZE, count))} of ${whole(count)}`;
  const [previous, next] = ['previous', 'next'].map((id) => /** @type {HTMLButtonElement} */ (byId(id)));
  previous.disabled = offset === 0;
  next.disabled = offset + PAGE_SIZE >= count;
}
