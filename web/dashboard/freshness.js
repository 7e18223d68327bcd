/**
 * How old the figures are, and the notice of an outage, in which the last ones stay.
 *
 * @module freshness
 */

import { byId } from './elements.js';
import { age, timeOfDay } from './measures.js';

export class Freshness {
  #readAt = /** @type {number|null} */ (null);
  #problem = '';

  /** New figures are on the page. */
  renewed() {
    this.#readAt = Date.now();
    this.#problem = '';
    this.draw();
  }

  /** The figures could not be renewed. @param {string} problem  Why, as a sentence. */
  failed(problem) {
    this.#problem = problem;
    this.draw();
  }

  /** There are no figures on the page. */
  forget() {
    this.#readAt = null;
    this.#problem = '';
    this.draw();
  }

  /** Write the age as it is now. */
  draw() {
    const old = this.#readAt === null ? null : Date.now() - this.#readAt;
    const without = this.#problem ? 'No figures yet' : 'Loading…';
    byId('freshness').textContent = old === null ? without : `Updated ${age(old)} ago`;
    byId('stale').hidden = !this.#problem;
    if (!this.#problem) return;
    // A screen reader reads each change, so the age is not one in seconds.
    const coarse = old !== null && old < 90_000 ? 'less than two minutes' : age(old ?? 0);
    const kept = this.#readAt === null
      ? '' : ` These figures are ${coarse} old, from ${timeOfDay(this.#readAt)} UTC.`;
    const text = `${this.#problem}${kept} The page tries again by itself.`;
    if (byId('stale').textContent !== text) byId('stale').textContent = text;
  }
}
