/**
 * Today at a glance, the trend of a measure, and the shares of devices and formats.
 *
 * @module glance
 */

import { monthStarts } from './axis.js';
import { Chart } from './chart.js';
import { byId, element, fillTable } from './elements.js';
import { day, dayOfYear, longDay, MEASURES, month, percent, short, whole } from './measures.js';

const DAY_SECONDS = 86_400;
const NAMES = {
  desktop: 'Desktop', mobile: 'Phone', tablet: 'Tablet', tv: 'TV', other: 'Other',
  hls: 'HLS', dash: 'DASH', unknown: 'Unknown',
};

/** @type {Chart|null} */
let trend = null;

/**
 * Draw tiles of measures.
 * @param {HTMLElement} host
 * @param {import('./reports.js').Measures} measures
 * @param {(name: string) => string} [note]  A line under a figure.
 */
export function drawTiles(host, measures, note = (name) => MEASURES[name].hint) {
  const tiles = Object.entries(MEASURES).map(([name, measure]) =>
    element('div', { title: measure.hint },
      element('dt', { textContent: measure.name }),
      element('dd', {},
        element('b', { textContent: measure.text(measures) }),
        element('small', { textContent: note(name) }))));
  host.replaceChildren(...tiles);
  host.setAttribute('aria-busy', 'false');
}

/** Draw the tiles of a report that is being read. */
export function drawWaitingTiles(host) {
  host.replaceChildren(...Object.values(MEASURES).map(({ name }) =>
    element('div', {},
      element('dt', { textContent: name }),
      element('dd', {}, element('b', { textContent: '–' }), element('small', { textContent: 'Loading…' })))));
  host.setAttribute('aria-busy', 'true');
}

/** Draw the last day of the overview; the day before stands under each figure. */
export function drawToday(overview) {
  const [before, today] = overview.days.slice(-2);
  byId('today-day').textContent = longDay(Date.parse(today.day));
  drawTiles(byId('today'), today.measures, (name) =>
    `${MEASURES[name].text(before.measures)} all yesterday`);
}

/** Draw a measure of each day, as a chart and as a table. */
export function drawTrend(overview, name) {
  const measure = MEASURES[name];
  const xs = overview.days.map((each) => Date.parse(each.day) / 1000);
  const ys = overview.days.map((each) => measure.scaled(each.measures));
  const byMonth = xs.length > 120;
  const inPercents = measure.unit.startsWith('%');
  const text = (value) => `${inPercents || name === 'watch_time_ms' ? value.toFixed(1) : whole(value)} ${measure.unit}`;
  const options = {
    label: `${measure.name} by day`,
    unit: `${measure.unit}, each day`,
    lines: [
      { name: '', color: '--accent', bars: true, text },
      { name: 'So far', color: '--accent', bars: true, incomplete: true, text },
    ],
    textOfX: (at) => longDay(at * 1000),
    tick: (at) => (byMonth ? month : day)(at * 1000),
    splits: byMonth ? monthStarts : undefined,
    steps: [1, 2, 7, 14, 28, 56, 91].map((days) => days * DAY_SECONDS),
    textOfY: inPercents ? (value) => `${Math.round(value)} %` : short,
    wholeNumbers: !inPercents && name !== 'watch_time_ms',
    least: name === 'watch_time_ms' ? 0.1 : 4,
  };
  const host = byId('trend');
  const empty = overview.total.sessions === 0;
  for (const id of ['trend', 'trend-legend']) byId(id).hidden = empty;
  byId('trend-empty').hidden = !empty;
  trend ??= new Chart(host, options);
  trend.configure(options);
  trend.draw(xs, [...ys.slice(0, -1), null], [...ys.slice(0, -1).map(() => null), ys.at(-1)]);
  byId('trend-sum').textContent = measure.text(overview.total);
  const write = byMonth ? dayOfYear : day;
  byId('trend-unit').textContent =
    `${measure.name.toLowerCase()}, ${write(xs[0] * 1000)} to ${write(xs.at(-1) * 1000)}`;
  fillTable(byId('trend-table'), options.label, ['Day', measure.name],
    overview.days.map((each) => [longDay(Date.parse(each.day)), measure.text(each.measures)]).reverse());
}

/** Draw the shares of the sessions, the greatest first. */
export function drawShares(host, counts) {
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const rows = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => {
      const fill = element('i', { 'aria-hidden': 'true' });
      fill.style.width = `${(count / all) * 100}%`;
      return element('li', { title: `${whole(count)} starts` },
        element('span', { textContent: NAMES[name] ?? name }),
        element('span', { textContent: percent((count / all) * 100) }),
        fill);
    });
  host.replaceChildren(...(rows.length ? rows : [element('li', { className: 'soft', textContent: 'None' })]));
}
