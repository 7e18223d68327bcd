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
import { plotOptions } from './plot.js';

const HEIGHT = 240;
const TIP_GAP = 10;
const KEYS = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 };

/**
 * @typedef {object} Line
 * @property {string} name
 * @property {string} color  The name of a custom property of CSS.
 * @property {boolean} [bars]
 * @property {boolean} [incomplete]  Bars that will grow.
 * @property {boolean} [dashed]
 * @property {boolean} [thin]
 * @property {(value: number) => string} text
 */

/**
 * @typedef {object} ChartOptions
 * @property {string} label  The name of the chart.
 * @property {string} unit  Of the vertical axis, written above it.
 * @property {Line[]} lines
 * @property {(x: number) => string} textOfX  For the tip.
 * @property {(x: number) => string} tick  For the axis.
 * @property {number[]} steps  The allowed distances of ticks.
 * @property {(low: number, high: number, most: number) => number[]} [splits]  The ticks, at most so many.
 * @property {() => [number, number]} [rangeOfX]  By default from the first value to the last.
 * @property {(value: number) => string} textOfY
 * @property {boolean} [wholeNumbers]
 * @property {number} [least]  The smallest top of the vertical axis.
 * @property {(plot: object) => void} [placed]  Called when the plot area moved.
 */

export class Chart {
  #options;
  #data = [[]];
  #plot = null;
  #index = -1;

  /** @param {HTMLElement} host  @param {ChartOptions} options */
  constructor(host, options) {
    this.host = host;
    this.#options = options;
    this.tip = element('div', { className: 'tip', hidden: true, 'aria-hidden': 'true' });
    this.unit = element('div', { className: 'unit', 'aria-hidden': 'true' });
    host.append(this.unit);
    host.tabIndex = 0;
    host.setAttribute('role', 'slider');
    host.setAttribute('aria-valuemin', '0');
    this.#name();
    host.addEventListener('keydown', (event) => this.#key(event));
    host.addEventListener('focus', () => this.#show(this.#index < 0 ? this.#last : this.#index));
    host.addEventListener('blur', () => this.hide());
    // uPlot follows a mouse only.
    for (const type of ['pointerdown', 'pointermove']) {
      host.addEventListener(type, (event) => event.pointerType !== 'mouse' && this.follow(event));
    }
    new ResizeObserver(() => this.#resize()).observe(host);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#build());
  }

  /** Change options, such as the unit. The plot stays if what it shows has the same name and ticks. */
  configure(options) {
    const shown = ({ label, steps, splits }) => [label, steps, splits?.name].join();
    const stays = shown(options) === shown(this.#options);
    Object.assign(this.#options, options);
    this.#name();
    if (!stays) this.#remove();
  }

  #remove() {
    this.tip.hidden = true;
    this.#plot?.destroy();
    this.#plot = null;
  }

  /** @param {number[]} xs  @param {...(number|null)[]} ys  One list for each line; null: no value. */
  draw(xs, ...ys) {
    // The chosen value stays chosen, and the last value stays the last one.
    const same = this.#index === this.#last ? -1 : xs.indexOf(this.#data[0][this.#index]);
    this.#data = [xs, ...ys];
    this.host.setAttribute('aria-valuemax', String(Math.max(0, xs.length - 1)));
    this.#describe(same < 0 ? this.#last : same);
    if (this.#plot) this.#plot.setData(this.#data);
    else this.#build();
    if (document.activeElement === this.host) this.#show(this.#index);
  }

  /** Show the value below or above a pointer. @param {PointerEvent} event */
  follow(event) {
    const left = event.clientX - (this.#plot?.over.getBoundingClientRect().left ?? 0);
    this.#plot?.setCursor({ left: Math.max(0, Math.min(this.#plot.over.clientWidth, left)), top: 10 });
  }

  /** Show no value. */
  hide() {
    this.tip.hidden = true;
    this.#plot?.setCursor({ left: -10, top: -10 });
  }

  get #last() {
    return this.#data[0].length - 1;
  }

  #build() {
    this.#remove();
    if (!this.host.clientWidth) return;
    this.#plot = new uPlot(
      {
        ...plotOptions(this.host, this.#options),
        ...this.#size,
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

  get #size() {
    return { width: this.host.clientWidth, height: this.host.clientHeight || HEIGHT };
  }

  #name() {
    this.host.setAttribute('aria-label', this.#options.label);
    this.unit.textContent = this.#options.unit;
  }

  #resize() {
    if (!this.#plot) this.#build();
    else if (this.host.clientWidth) this.#plot.setSize(this.#size);
  }

  #key(event) {
    const target =
      event.key === 'Home' ? 0 : event.key === 'End' ? this.#last : this.#index + (KEYS[event.key] ?? 0);
    if (event.key === 'Escape') this.hide();
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

  #pointed(plot) {
    const { idx, left: pointer } = plot.cursor;
    if (idx === null || idx === undefined || pointer < 0) {
      this.tip.hidden = true;
      return;
    }
    this.#describe(idx);
    const lines = this.#values(idx).map(([line, value]) =>
      element('span', {}, `${line.name} `, element('b', { textContent: line.text(value) })));
    this.tip.replaceChildren(
      element('span', { className: 'when', textContent: this.#options.textOfX(this.#data[0][idx]) }),
      ...lines,
    );
    this.tip.hidden = false;
    const x = plot.valToPos(this.#data[0][idx], 'x');
    // Beside the value, on the side with more space, so that it does not cover the value.
    const left = x > plot.over.clientWidth / 2 ? x - this.tip.offsetWidth - TIP_GAP : x + TIP_GAP;
    this.tip.style.left = `${left}px`;
  }

  #describe(index) {
    this.#index = index;
    if (index < 0) return;
    const values = this.#values(index).map(([line, value]) => `${line.name} ${line.text(value)}`.trim());
    this.host.setAttribute('aria-valuenow', String(index));
    this.host.setAttribute(
      'aria-valuetext', `${this.#options.textOfX(this.#data[0][index])}: ${values.join(', ')}`);
  }
  /** The lines that have a value at `index`, with their values. */
  #values(index) {
    return this.#options.lines
      .map((line, at) => /** @type {const} */ ([line, this.#data[at + 1][index]]))
      .filter(([, value]) => value !== null);
  }
}
