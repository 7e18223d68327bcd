/**
 * The interface between a session and a player library.
 *
 * An adapter extends {@link Player}: it opens a URL at a position, releases the library, and calls
 * `fail` for an error from which the library does not recover. The base class implements the rest
 * (waiting until the position is displayed, reporting each failure once).
 *
 * @module players/player
 */

/**
 * The reason of a failure:
 * - `forbidden`: the storage refused a URL, so its signature has expired;
 * - `network`: requests fail repeatedly for another reason;
 * - `media`: the data was received and cannot be played;
 * - `superseded`: another load replaced this one.
 * @typedef {'forbidden'|'network'|'media'|'superseded'} FailureKind
 */

/** A player's final failure to play a URL. */
export class PlayerFailure extends Error {
  /**
   * @param {FailureKind} kind
   * @param {string} detail  The library's message.
   */
  constructor(kind, detail) {
    super(detail);
    this.name = 'PlayerFailure';
    this.kind = kind;
  }

  /** Whether playback may succeed with a new URL. */
  get renewable() {
    return this.kind === 'forbidden' || this.kind === 'network';
  }
}

/** The statuses with which storages and CDNs refuse an expired URL. */
const REFUSED = new Set([401, 403, 410]);

/**
 * Return the kind of failure of an HTTP status.
 * @param {number|undefined} status
 * @returns {FailureKind}
 */
export function failureKind(status) {
  return REFUSED.has(status ?? 0) ? 'forbidden' : 'network';
}

/**
 * Return the duration that can be played from the current position without another request.
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

/** The base class of the adapters. */
export class Player {
  /** Called with each failure after a completed load; earlier failures reject the load. */
  /** @type {(failure: PlayerFailure) => void} */ onfailure = () => {};
  /** @type {{resolve: () => void, reject: (failure: PlayerFailure) => void}|null} */ #pending = null;
  #failed = false;
  #wait = new AbortController();

  /** @param {HTMLMediaElement} video */
  constructor(video) {
    this.video = video;
  }

  /**
   * Load a URL, which replaces the former source. Does not start playback.
   *
   * @param {string} url
   * @param {number} positionSeconds
   * @returns {Promise<void>}  Fulfilled when the position is displayed.
   * @throws {PlayerFailure}
   */
  async load(url, positionSeconds) {
    this.#settle();
    this.#failed = false;
    // A new source resets the playback rate to its default.
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

  /** Reject a pending load and release the library and the element. */
  destroy() {
    this.#settle();
    this.release();
  }

  /**
   * Start to load a URL. Adapters override it.
   * @param {string} _url
   * @param {number} _positionSeconds
   * @returns {void|Promise<void>}
   */
  open(_url, _positionSeconds) {
    throw new TypeError('An adapter must override open()');
  }

  /** Release the library. Adapters override it. */
  release() {}

  /**
   * Report a failure, only once per load: libraries report one cause several times.
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
    // Before `loadedmetadata`, the element's properties are those of the former source.
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

  /** Reject an earlier load that is pending. */
  #settle() {
    this.#pending?.reject(new PlayerFailure('superseded', 'Another load replaced this one'));
    this.#pending = null;
    this.#wait.abort();
    this.#wait = new AbortController();
  }
}
