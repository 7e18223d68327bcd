/**
 * The viewers who watch at the same time, minute by minute of the last 24 hours.
 *
 * @module live
 */

import { Chart } from './chart.js';
import { byId } from './elements.js';
import { timeOfDay, whole } from './measures.js';
import { utcDay } from './reports.js';

const MINUTES = 1440;
/** Reports arrive every ten seconds; until then a new minute lacks viewers. */
const COMPLETE_AFTER_MS = 40_000;

export class Live {
  #points = new Map();
  #lastDay = '';
  #chart = new Chart(byId('live'), {
    label: 'Concurrent viewers of the last 24 hours',
    unit: 'viewers, each minute (UTC)',
    lines: [{ name: '', color: '--live', thin: true, text: (value) => `${whole(value)} watching` }],
    textOfX: (at) => `${timeOfDay(at * 1000)} UTC`,
    tick: (at) => timeOfDay(at * 1000),
    steps: [3600, 7200, 10_800, 14_400, 21_600],
    textOfY: whole,
    wholeNumbers: true,
    least: 4,
  });

  /**
   * Read the minutes that are not known yet: those of today, and at first and after midnight those of
   * yesterday.
   * @param {import('./reports.js').Reports} reports
   */
  async load(reports) {
    const now = reports.serverTime;
    const today = utcDay(0, now);
    const back = this.#lastDay === today ? 0 : 1;
    const report = await reports.concurrency({ from: utcDay(back, now), to: today, step: 'minute' });
    this.#lastDay = today;
    for (const { at, viewers } of report.points) this.#points.set(Date.parse(at), viewers);
    const complete = reports.serverTime - COMPLETE_AFTER_MS;
    for (const at of this.#points.keys()) {
      if (at > complete || at < complete - MINUTES * 60_000) this.#points.delete(at);
    }
  }

  /** Forget all minutes. */
  clear() {
    this.#points.clear();
    this.#lastDay = '';
  }

  draw() {
    const times = [...this.#points.keys()].sort((a, b) => a - b);
    const viewers = times.map((at) => this.#points.get(at));
    const most = Math.max(0, ...viewers);
    const peak = times[viewers.indexOf(most)];
    byId('live').hidden = most === 0;
    byId('live-empty').hidden = most !== 0;
    byId('live-now').textContent = whole(viewers.at(-1) ?? 0);
    byId('live-peak').textContent = most
      ? `viewers; most in 24 hours: ${whole(most)}, at ${timeOfDay(peak)} UTC`
      : 'viewers';
    if (most) this.#chart.draw(times.map((at) => at / 1000), viewers);
  }
}
