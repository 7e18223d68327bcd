/**
 * A chart of one or two lines, or of bars, over a horizontal axis.
 *
 * It is a slider for keyboards and screen readers: arrow keys move from value to value, and each is
 * read out. Its colours follow the page's, light or dark.
 *
 * @module chart
 */

import uPlot from '../vendor/uplot/uPlot.esm.js';
import { element } from './elements.js';

const HEIGHT = 240;
const WHOLE_STEPS = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7].flatMap((power) => [power, 2 * power, 5 * power]);
const KEYS = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 };

/**
 * @typedef {object} Line
 * @property {string} name
 * @property {string} color  The name of a custom property of CSS.
 * @property {boolean} [bars]
 * @property {boolean} [dashed]
 * @property {(value: number) => string} text
 */

export class Chart {
  #options;
  #data = [[]];
  #plot = null;
  #index = -1;

  /**
   * @param {HTMLElement} host
   * @param {object} options
   * @param {string} options.label
   * @param {Line[]} options.lines
   * @param {(x: number) => string} options.textOfX  For the tip.
   * @param {(x: number) => string} options.tick  For the axis.
   * @param {number[]} options.steps  The allowed distances of ticks.
   * @param {(value: number) => string} options.textOfY
   * @param {boolean} [options.wholeNumbers]
   * @param {number} [options.least]  The smallest top of the vertical axis.
   * @param {(plot: object) => void} [options.placed]  Called when the plot area moved.
   */
  constructor(host, options) {
    this.host = host;
    this.#options = options;
    this.tip = element('div', { className: 'tip', hidden: true, 'aria-hidden': 'true' });
    host.tabIndex = 0;
    host.setAttribute('role', 'slider');
    host.setAttribute('aria-valuemin', '0');
    this.label(options.label);
    host.addEventListener('keydown', (event) => this.#key(event));
    host.addEventListener('focus', () => this.#show(this.#index < 0 ? this.#last : this.#index));
    host.addEventListener('blur', () => this.#hide());
    new ResizeObserver(() => this.#resize()).observe(host);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#build());
  }

  label(text) {
    this.host.setAttribute('aria-label', text);
  }

  /** Change options, such as the unit. The plot stays if what it shows has the same name and ticks. */
  configure(options) {
    const stays =
      options.label === this.#options.label && String(options.steps) === String(this.#options.steps);
    Object.assign(this.#options, options);
    if (!stays) this.#remove();
  }

  #remove() {
    this.tip.hidden = true;
    this.#plot?.destroy();
    this.#plot = null;
  }

  /** @param {number[]} xs  @param {...number[]} ys  One list for each line. */
  draw(xs, ...ys) {
    this.#data = [xs, ...ys];
    this.host.setAttribute('aria-valuemax', String(Math.max(0, xs.length - 1)));
    this.#describe(this.#index < 0 ? this.#last : Math.min(this.#index, this.#last));
    if (this.#plot) this.#plot.setData(this.#data);
    else this.#build();
    if (document.activeElement === this.host) this.#show(this.#index);
  }

  get #last() {
    return this.#data[0].length - 1;
  }

  #build() {
    this.#remove();
    if (!this.host.clientWidth) return;
    const { lines, tick, steps, textOfY, wholeNumbers, least = 1 } = this.#options;
    const color = (name) => getComputedStyle(this.host).getPropertyValue(name).trim();
    const axis = {
      stroke: color('--text-soft'),
      font: '12px system-ui, sans-serif',
      ticks: { show: false },
      grid: { stroke: color('--line'), width: 1 },
    };
    const bars = lines.some((line) => line.bars);
    this.#plot = new uPlot(
      {
        width: this.host.clientWidth,
        height: this.host.clientHeight || HEIGHT,
        legend: { show: false },
        padding: [12, 14, 0, 0],
        cursor: {
          drag: { x: false, y: false },
          y: false,
          points: { size: 9, width: 2, stroke: (u, i) => color(lines[i - 1].color), fill: color('--raised') },
        },
        scales: {
          x: { time: false, range: (u, low, high) => this.#rangeOfX(low, high, bars) },
          y: { range: (u, low, high) => [0, niceTop(Math.max(high ?? 0, least))] },
        },
        axes: [
          {
            ...axis,
            grid: { show: false },
            size: 30,
            space: 64,
            incrs: steps,
            values: (u, splits) => splits.map(tick),
          },
          {
            ...axis,
            size: 52,
            space: 36,
            ...(wholeNumbers ? { incrs: WHOLE_STEPS } : {}),
            values: (u, splits) => splits.map(textOfY),
          },
        ],
        series: [{}, ...lines.map((line) => this.#series(line, color))],
        hooks: {
          setCursor: [(plot) => this.#pointed(plot)],
          drawAxes: [(plot) => this.#options.placed?.(plot)],
        },
      },
      this.#data,
      this.host,
    );
    this.#plot.over.append(this.tip);
  }

  #series(line, color) {
    const stroke = color(line.color);
    const paths = line.bars ? uPlot.paths.bars({ size: [0.62, 48], radius: 0.25 }) : undefined;
    return {
      label: line.name,
      stroke,
      width: line.bars ? 0 : 2,
      dash: line.dashed ? [5, 5] : undefined,
      fill: line.bars ? stroke : line.dashed ? undefined : color(`${line.color}-wash`),
      paths,
      points: { show: false },
    };
  }

  #rangeOfX(low, high, bars) {
    const xs = this.#data[0];
    const half = bars ? (xs.length > 1 ? (xs[1] - xs[0]) / 2 : 43_200) : 0;
    return low === high && !bars ? [low, low + 1] : [low - half, high + half];
  }

  #resize() {
    if (!this.#plot) this.#build();
    else if (this.host.clientWidth) {
      this.#plot.setSize({ width: this.host.clientWidth, height: this.host.clientHeight || HEIGHT });
    }
  }

  #key(event) {
    const target =
      event.key === 'Home' ? 0 : event.key === 'End' ? this.#last : this.#index + (KEYS[event.key] ?? 0);
    if (event.key === 'Escape') this.#hide();
    if (target === this.#index && !(event.key in KEYS)) return;
    if (!(event.key in KEYS) && event.key !== 'Home' && event.key !== 'End') return;
    event.preventDefault();
    this.#show(Math.max(0, Math.min(this.#last, target)));
  }

  #show(index) {
    if (index < 0 || !this.#plot) return;
    const left = this.#plot.valToPos(this.#data[0][index], 'x');
    this.#plot.setCursor({ left, top: 10 });
  }

  #hide() {
    this.tip.hidden = true;
    this.#plot?.setCursor({ left: -10, top: -10 });
  }

  #pointed(plot) {
    const { idx, left } = plot.cursor;
    if (idx === null || idx === undefined || left < 0) {
      this.tip.hidden = true;
      return;
    }
    this.#describe(idx);
    const lines = this.#options.lines.map((line, at) =>
      element('span', {}, `${line.name} `, element('b', { textContent: line.text(this.#data[at + 1][idx]) })));
    this.tip.replaceChildren(
      element('span', { className: 'when', textContent: this.#options.textOfX(this.#data[0][idx]) }),
      ...lines,
    );
    this.tip.hidden = false;
    const x = plot.valToPos(this.#data[0][idx], 'x');
    const width = this.tip.offsetWidth;
    this.tip.style.left = `${Math.max(0, Math.min(plot.over.clientWidth - width, x - width / 2))}px`;
  }

  #describe(index) {
    this.#index = index;
    if (index < 0) return;
    const values = this.#options.lines.map(
      (line, at) => `${line.name} ${line.text(this.#data[at + 1][index])}`);
    this.host.setAttribute('aria-valuenow', String(index));
    this.host.setAttribute(
      'aria-valuetext', `${this.#options.textOfX(this.#data[0][index])}: ${values.join(', ')}`);
  }
}

/** The smallest round number from `value` on. */
function niceTop(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].map((n) => n * power).find((top) => top >= value);
}
