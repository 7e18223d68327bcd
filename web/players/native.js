/**
 * The adapter for browsers with native playback of manifests: HLS on iPhone, iPad and Safari.
 *
 * A media element reports neither the failed request nor its status. Therefore the adapter requests
 * the manifest once after an error, to distinguish a refused URL from a damaged film.
 *
 * @module players/native
 */

import { failureKind, Player } from './player.js';

/** Plays manifests that the media element itself supports. */
export class NativePlayer extends Player {
  #url = '';
  #listeners = new AbortController();

  /**
   * Return whether this browser plays HLS without a library.
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
