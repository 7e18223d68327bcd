/**
 * How often a film may be started again by itself.
 *
 * A fresh URL that is refused at once is no expiry but a fault, and starting again for ever would
 * hide it and load the service. Only film that was really watched earns new renewals.
 *
 * @module renewal-budget
 */

/** Renewals count as "in a row" until the film has really played this long after one. */
const PLAYED_SECONDS = 2;
/** The element tells its position several times a second: a longer step is a seek. */
const LONGEST_STEP_SECONDS = 1.5;

/** Counts renewals in a row. */
export class RenewalBudget {
  #spent = 0;
  #playedSeconds = 0;

  /** @param {number} limit  Renewals in a row. */
  constructor(limit) {
    this.limit = limit;
  }

  /** Take one renewal; false when none is left. */
  spend() {
    this.#playedSeconds = 0;
    this.#spent += 1;
    return this.#spent <= this.limit;
  }

  /**
   * Take note of a change of position.
   * @param {number} stepSeconds
   */
  moved(stepSeconds) {
    if (stepSeconds <= 0 || stepSeconds > LONGEST_STEP_SECONDS) return;
    this.#playedSeconds += stepSeconds;
    if (this.#playedSeconds >= PLAYED_SECONDS) this.refill();
  }

  /** Start counting from zero. */
  refill() {
    this.#spent = 0;
    this.#playedSeconds = 0;
  }
}
