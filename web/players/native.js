/**
 * The adapter for browsers that play a manifest themselves: HLS on iPhone, iPad and Safari.
 *
 * A media element does not tell which request failed or with what status, so the adapter asks for
 * the manifest once to tell a refused URL from a broken film.
 *
 * @module players/native
 */

import { failureKind, Player } from './player.js';

/** Plays whatever the media element itself can play. */
export class NativePlayer extends Player {
  #url = '';
  #listeners = new AbortController();

  /**
   * Tell whether this browser plays HLS without a library.
   * @param {HTMLMediaElement} video
   */
  static playsHls(video) {
    return video.canPlayType('application/vnd.apple.mpegurl') !== '';
  }

  /** @override */
  open(url) {
    this.#listeners.abort();
    this.#listeners = new AbortController();
    this.#url = url;
    this.video.addEventListener('error', () => this.#failed(url), {
      signal: this.#listeners.signal,
    });
    this.video.src = url;
    this.video.load();
  }

  /** @override */
  release() {
    this.#listeners.abort();
    this.#url = '';
    this.video.removeAttribute('src');
    this.video.load();
  }

  async #failed(url) {
    const { error } = this.video;
    const status = await fetch(url).then(
      (response) => response.status,
      () => 0,
    );
    if (url !== this.#url) return;
    const decoding = status === 200 && error?.code === MediaError.MEDIA_ERR_DECODE;
    this.fail(decoding ? 'media' : failureKind(status), error?.message ?? '');
  }
}
