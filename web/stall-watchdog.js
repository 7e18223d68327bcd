/**
 * Detects that a film has stalled although its player has reported no error.
 *
 * Players may wait without limit for a response, and decoders stop at gaps. Progress is a change of
 * the element's position, buffer or ready state. Without any change, the film has stalled.
 *
 * @module stall-watchdog
 */

const TICK_MILLISECONDS = 1000;

/** Reports when a media element has made no progress for some time. */
export class StallWatchdog {
  #video;
  #patienceTicks;
  #onstall;
  #timer = null;
  #sign = '';
  #ticks = 0;

  /**
   * @param {HTMLMediaElement} video
   * @param {number} patienceSeconds  The time without progress that counts as a stall; 0: never.
   * @param {(stalls: number) => void} onstall  Called after each such time, with the number of times
   *   since the last progress.
   */
  constructor(video, patienceSeconds, onstall) {
    this.#video = video;
    this.#patienceTicks = Math.ceil((patienceSeconds * 1000) / TICK_MILLISECONDS);
    this.#onstall = onstall;
  }

  /** Start to watch; does nothing if already started. */
  watch() {
    if (this.#timer !== null || this.#patienceTicks === 0) return;
    this.#ticks = 0;
    this.#sign = this.#signOfLife();
    this.#timer = setInterval(() => this.#look(), TICK_MILLISECONDS);
  }

  /** Stop watching. */
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
    // Changes by the callback itself, such as a seek, are not progress.
    this.#sign = this.#signOfLife();
  }

  #signOfLife() {
    const { buffered, currentTime, paused, readyState } = this.#video;
    const end = buffered.length ? buffered.end(buffered.length - 1) : 0;
    return [currentTime, end, readyState, paused].join(' ');
  }
}
