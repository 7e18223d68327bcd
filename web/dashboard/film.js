/**
 * One film: its measures, its retention curve, and its heatmap under the same axis.
 *
 * @module film
 */

import { clock } from '../messages.js';
import { Chart } from './chart.js';
import { byId, fillTable } from './elements.js';
import { drawTiles } from './glance.js';
import { drawHeatmap, mostRewatched } from './heatmap.js';
import { inPercent, percent, whole } from './measures.js';

const times = (value) => `${value.toFixed(2)} ×`;

/** What a film without viewers does not have. */
const CURVE = ['retention-legend', 'retention', 'strip', 'strip-legend', 'retention-numbers'];

/** @type {Chart|null} */
let chart = null;

/** Put the heatmap exactly under the plot area. */
function align(plot) {
  const ratio = devicePixelRatio;
  for (const id of ['strip', 'strip-legend']) {
    byId(id).style.marginLeft = `${plot.bbox.left / ratio}px`;
    byId(id).style.width = `${plot.bbox.width / ratio}px`;
  }
}

/** Let the heatmap show the values of the chart, too. @param {Chart} retention */
function connected(retention) {
  byId('strip').addEventListener('pointermove', (event) => retention.follow(event));
  byId('strip').addEventListener('pointerleave', () => retention.hide());
  return retention;
}

/** @param {object} film  The report.  @param {string} title */
export function drawFilm(film, title) {
  const { audience, plays, viewers } = film.retention;
  const seconds = film.duration_seconds;
  // The axis is in seconds, or in hundredths of a film whose length is not known.
  const unit = seconds ? seconds / 100 : 1;
  const at = (x) => (seconds ? clock(Math.round(x)) : `${Math.round(x)} %`);
  const place = (hundredth) => at(hundredth * unit);
  byId('film-title').textContent = title;
  drawTiles(byId('film-measures'), film.total);
  const empty = viewers === 0;
  for (const id of CURVE) byId(id).hidden = empty;
  byId('retention-empty').hidden = !empty;
  byId('film-viewers').textContent = empty ? '' : `${whole(viewers)} viewers, counted once a day`;
  const options = {
    label: `Audience retention of ${title}`,
    lines: [
      { name: 'Saw it', color: '--accent', text: (value) => percent(value) },
      { name: 'Plays', color: '--live', dashed: true, text: (value) => times(value / 100) },
    ],
    unit: seconds ? '% of the viewers, by time in the film' : '% of the viewers, by hundredth of the film',
    textOfX: (x) => `${at(x - unit / 2)} to ${at(x + unit / 2)}`,
    tick: at,
    steps: seconds ? [5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600] : [5, 10, 20, 25, 50],
    rangeOfX: () => [0, 100 * unit],
    textOfY: (value) => `${Math.round(value)} %`,
    least: 100,
    placed: align,
  };
  chart ??= connected(new Chart(byId('retention'), options));
  chart.configure(options);
  if (empty) return;
  const hundredths = audience.map((_, index) => index);
  // A value stands in the middle of its hundredth, as in the heatmap.
  chart.draw(hundredths.map((index) => (index + 0.5) * unit), audience.map(inPercent), plays.map(inPercent));
  drawHeatmap(byId('strip'), plays);
  const peak = mostRewatched(audience, plays);
  const where = peak
    ? `most rewatched at ${place(peak.hundredth)}: ${times(peak.times)} by those who saw it`
    : 'nobody rewatched a part';
  byId('most-rewatched').textContent = where;
  byId('strip').setAttribute('aria-label', `Heatmap of ${title}: ${where}`);
  fillTable(byId('retention-table'), options.label, ['From', 'Viewers who saw it', 'Plays per viewer'],
    hundredths.map((index) => [place(index), percent(inPercent(audience[index])), times(plays[index])]));
}
