/**
 * The options of uPlot for a chart: axes, scales and series in the colours of the page.
 *
 * @module plot
 */

import uPlot from '../vendor/uplot/uPlot.esm.js';
import { niceTop } from './axis.js';

const WHOLE_STEPS = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7].flatMap((power) => [power, 2 * power, 5 * power]);
const FONT = '12px system-ui, sans-serif';
const DAY_SECONDS = 86_400;
/** The least distance of two ticks of the horizontal axis. */
const SPACE = 64;

/**
 * @param {HTMLElement} host  Its custom properties of CSS are the colours.
 * @param {import('./chart.js').ChartOptions} options
 * @returns {object}  Without size and hooks.
 */
export function plotOptions(host, options) {
  const color = (name) => getComputedStyle(host).getPropertyValue(name).trim();
  const bars = options.lines.some((line) => line.bars);
  const axis = {
    stroke: color('--text-soft'),
    font: FONT,
    ticks: { show: false },
    grid: { stroke: color('--line'), width: 1 },
  };
  return {
    legend: { show: false },
    // The unit is written in the space above the plot.
    padding: [30, 20, 0, 0],
    cursor: {
      drag: { x: false, y: false },
      y: false,
      points: {
        show: !bars,
        size: 9,
        width: 2,
        stroke: (plot, index) => color(options.lines[index - 1].color),
        fill: color('--raised'),
      },
    },
    scales: {
      x: { time: false, range: options.rangeOfX ?? ((plot, low, high) => rangeOfX(plot.data[0], low, high, bars)) },
      y: { range: (plot, low, high) => [0, niceTop(Math.max(high ?? 0, options.least ?? 1))] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 34,
        gap: 8,
        space: SPACE,
        incrs: options.steps,
        ...(options.splits ? {
          splits: (plot, axis, low, high) => options.splits(low, high, plot.bbox.width / devicePixelRatio / SPACE),
        } : {}),
        values: (plot, splits) => splits.map(options.tick),
      },
      {
        ...axis,
        size: (plot, texts) => widthOf(plot, texts),
        space: 36,
        ...(options.wholeNumbers ? { incrs: WHOLE_STEPS } : {}),
        values: (plot, splits) => splits.map(options.textOfY),
      },
    ],
    series: [{}, ...options.lines.map((line) => series(line, color))],
  };
}

function series(line, color) {
  const stroke = color(line.color);
  const wash = color(`${line.color}-wash`);
  if (line.bars) {
    return {
      stroke,
      width: line.incomplete ? 1 : 0,
      fill: line.incomplete ? wash : stroke,
      paths: uPlot.paths.bars({ size: [0.62, 48], radius: 0.15 }),
      points: { show: false },
    };
  }
  return {
    stroke,
    width: line.thin ? 1.25 : 2,
    dash: line.dashed ? [5, 5] : undefined,
    fill: line.dashed ? undefined : wash,
    points: { show: false },
  };
}

/** Let half a bar have its place before the first value and after the last one. */
function rangeOfX(xs, low, high, bars) {
  if (!bars) return low === high ? [low, low + 1] : [low, high];
  const half = (xs.length > 1 ? xs[1] - xs[0] : DAY_SECONDS) / 2;
  return [low - half, high + half];
}

/** The width of the vertical axis: that of its longest text. */
function widthOf(plot, texts) {
  plot.ctx.font = FONT;
  const widths = (texts ?? []).map((text) => plot.ctx.measureText(text).width);
  return Math.ceil(Math.max(20, ...widths)) + 14;
}
