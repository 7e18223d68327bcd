/**
 * What a session needs from a player, so that any library can sit behind it.
 *
 * An adapter extends {@link Player} and says three things: how to open a URL at a position, how
 * to let go, and, through `fail`, that the library met an error it will not get over. Everything
 * that is the same for all libraries (waiting until the position is on the screen, telling each
 * failure once) is here.
 *
 * @module players/player
 */

/**
 * Why a player stopped:
 * - `forbidden`: the storage refused a URL, so its signature has expired;
 * - `network`: requests keep failing for another reason;
 * - `media`: the data arrived and cannot be played;
 * - `superseded`: another load took this one's place.
 * @typedef {'forbidden'|'network'|'media'|'superseded'} FailureKind
 */

/** A player's final word on a URL. */
export class PlayerFailure extends Error {
  /**
   * @param {FailureKind} kind
   * @param {string} detail  The library's own words.
   */
  constructor(kind, detail) {
    super(detail);
    this.name = 'PlayerFailure';
    this.kind = kind;
  }

  /** Whether a fresh URL may help. */
  get renewable() {
    return this.kind === 'forbidden' || this.kind === 'network';
  }
}

/** Statuses with which storages and CDNs refuse a URL whose time is over. */
const REFUSED = new Set([401, 403, 410]);

/**
 * Name the failure that an HTTP status stands for.
 * @param {number|undefined} status
 * @returns {FailureKind}
 */
export function failureKind(status) {
  return REFUSED.has(status ?? 0) ? 'forbidden' : 'network';
}

/**
 * Measure what can be played from here without another request.
 * @param {HTMLMediaElement} video
 * @returns {number}  Seconds.
 */
export function bufferedAhead(video) {
  const { buffered, currentTime } = video;
  for (let index = 0; index < buffered.length; index += 1) {
    if (buffered.start(index) <= currentTime + 0.1 && currentTime < buffered.end(index)) {
      return buffered.end(index) - currentTime;
    }
  }
  return 0;
}

/** Base of the adapters. */
export class Player {
  /** Called with each failure after a load; failures before reject the load. */
  /** @type {(failure: PlayerFailure) => void} */ onfailure = () => {};
  /** @type {{resolve: () => void, reject: (failure: PlayerFailure) => void}|null} */ #pending = null;
  #failed = false;
  #wait = new AbortController();

  /** @param {HTMLMediaElement} video */
  constructor(video) {
    this.video = video;
  }

  /**
   * Play a URL in place of what was there before.
   *
   * @param {string} url
   * @param {number} positionSeconds
   * @returns {Promise<void>}  Fulfilled when the position is on the screen; does not start to play.
   * @throws {PlayerFailure}
   */
  async load(url, positionSeconds) {
    this.#settle();
    this.#failed = false;
    // Attaching a new source resets the rate to its default.
    const { playbackRate } = this.video;
    const { signal } = this.#wait;
    const loaded = new Promise((resolve, reject) => {
      this.#pending = { resolve, reject };
    });
    await this.open(url, positionSeconds);
    this.#resolveAt(positionSeconds, signal);
    await loaded;
    this.video.playbackRate = playbackRate;
  }

  /** Let the library and the element go. */
  destroy() {
    this.#settle();
    this.release();
  }

  /**
   * Begin to load a URL. To be overridden.
   * @param {string} _url
   * @param {number} _positionSeconds
   * @returns {void|Promise<void>}
   */
  open(_url, _positionSeconds) {
    throw new TypeError('An adapter overrides open()');
  }

  /** Free the library. To be overridden. */
  release() {}

  /**
   * Tell a failure, once a load: libraries report one cause several times.
   * @param {FailureKind} kind
   * @param {string} detail
   */
  fail(kind, detail) {
    if (this.#failed) return;
    this.#failed = true;
    const failure = new PlayerFailure(kind, detail);
    const pending = this.#pending;
    this.#pending = null;
    this.#wait.abort();
    if (pending) pending.reject(failure);
    else this.onfailure(failure);
  }

  #resolveAt(positionSeconds, signal) {
    const { video } = this;
    // What the element tells before its metadata is of the source that was there before.
    let known = false;
    const seek = () => {
      known = true;
      if (Math.abs(video.currentTime - positionSeconds) > 0.5) video.currentTime = positionSeconds;
    };
    const check = () => {
      const shown = video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && !video.seeking;
      if (!known || !shown) return;
      this.#wait.abort();
      this.#pending?.resolve();
      this.#pending = null;
    };
    video.addEventListener('loadedmetadata', seek, { once: true, signal });
    for (const type of ['loadeddata', 'canplay', 'seeked']) {
      video.addEventListener(type, check, { signal });
    }
  }

  /** End the wait of an earlier load. */
  #settle() {
    this.#pending?.reject(new PlayerFailure('superseded', 'Another load came in between'));
    this.#pending = null;
    this.#wait.abort();
    this.#wait = new AbortController();
  }
}
