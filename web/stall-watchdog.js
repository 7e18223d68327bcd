/**
 * Notices that a film which should play stands still, though no player has reported an error.
 *
 * Players wait for ever for data that they believe to be on its way, and decoders stop at gaps. An
 * element shows life by its position, its buffer and its ready state; when none of them changes,
 * waiting longer does not help.
 *
 * @module stall-watchdog
 */

const TICK_MILLISECONDS = 1000;

/** Tells how long a media element has shown no life. */
export class StallWatchdog {
  #video;
  #patienceTicks;
  #onstall;
  #timer = null;
  #sign = '';
  #ticks = 0;

  /**
   * @param {HTMLMediaElement} video
   * @param {number} patienceSeconds  How long an element may stand still; 0 is for ever.
   * @param {(stalls: number) => void} onstall  Called each time that the patience has passed, with
   *   how often it has since the last sign of life.
   */
  constructor(video, patienceSeconds, onstall) {
    this.#video = video;
    this.#patienceTicks = Math.ceil((patienceSeconds * 1000) / TICK_MILLISECONDS);
    this.#onstall = onstall;
  }

  /** Begin to watch, if that is not so already. */
  watch() {
    if (this.#timer !== null || this.#patienceTicks === 0) return;
    this.#ticks = 0;
    this.#sign = this.#signOfLife();
    this.#timer = setInterval(() => this.#look(), TICK_MILLISECONDS);
  }

  /** Watch no more. */
  rest() {
    clearInterval(this.#timer);
    this.#timer = null;
  }

  #look() {
    const sign = this.#signOfLife();
    if (sign !== this.#sign) {
      this.#sign = sign;
      this.#ticks = 0;
      return;
    }
    this.#ticks += 1;
    if (this.#ticks % this.#patienceTicks !== 0) return;
    this.#onstall(this.#ticks / this.#patienceTicks);
    // What the call has changed itself, such as the position, is no sign of life.
    this.#sign = this.#signOfLife();
  }

  #signOfLife() {
    const { buffered, currentTime, paused, readyState } = this.#video;
    const end = buffered.length ? buffered.end(buffered.length - 1) : 0;
    return [currentTime, end, readyState, paused].join(' ');
  }
}
