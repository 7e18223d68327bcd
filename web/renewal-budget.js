/**
 * The limit on automatic renewals of a film.
 *
 * A new URL that is refused immediately has not expired: it indicates a fault, and unlimited renewals
 * would hide the fault and load the service. Only playback allows further renewals.
 *
 * @module renewal-budget
 */

/** Renewals count as "in a row" until the film has played for this time after one. */
const PLAYED_SECONDS = 2;
/** The element reports its position several times per second: a longer step is a seek. */
const LONGEST_STEP_SECONDS = 1.5;

/** Counts renewals in a row. */
export class RenewalBudget {
  #spent = 0;
  #playedSeconds = 0;

  /** @param {number} limit  Renewals in a row. */
  constructor(limit) {
    this.limit = limit;
  }

  /** Count one renewal; false if none is left. */
  spend() {
    this.#playedSeconds = 0;
    this.#spent += 1;
    return this.#spent <= this.limit;
  }

  /**
   * Count a change of position as playback, unless it is a seek.
   * @param {number} stepSeconds
   */
  moved(stepSeconds) {
    if (stepSeconds <= 0 || stepSeconds > LONGEST_STEP_SECONDS) return;
    this.#playedSeconds += stepSeconds;
    if (this.#playedSeconds >= PLAYED_SECONDS) this.refill();
  }

  /** Reset the count to zero. */
  refill() {
    this.#spent = 0;
    this.#playedSeconds = 0;
  }
}
