/**
 * The adapter for dash.js.
 *
 * dash.js repeats a refused request several times before it reports an error. A response interceptor
 * reports the first refusal to the session, while the buffer is not empty.
 *
 * @module players/dash
 */

import { failureKind, Player } from './player.js';

/** Plays DASH with dash.js in a media element. */
export class DashPlayer extends Player {
  #MediaPlayer;
  #settings;
  #player = null;

  /**
   * @param {any} MediaPlayer  The factory that dash.js exports under this name.
   * @param {HTMLMediaElement} video
   * @param {object} [settings]  Settings of dash.js.
   */
  constructor(MediaPlayer, video, settings = {}) {
    super(video);
    this.#MediaPlayer = MediaPlayer;
    this.#settings = settings;
  }

  /** The dash.js instance of the current source, for menus of renditions and languages. */
  get library() {
    return this.#player;
  }

  /** @override */
  open(url, positionSeconds) {
    const { events } = this.#MediaPlayer;
    this.release();
    const player = this.#MediaPlayer().create();
    this.#player = player;
    player.updateSettings(this.#settings);
    player.initialize(this.video, null, false);
    player.addResponseInterceptor(async (response) => {
      this.#answered(player, response);
      return response;
    });
    player.on(events.ERROR, ({ error }) => this.#error(player, error));
    player.attachSource(url, positionSeconds);
  }

  /** @override */
  release() {
    this.#player?.destroy();
    this.#player = null;
  }

  #answered(player, response) {
    if (player !== this.#player || failureKind(response.status) !== 'forbidden') return;
    this.fail('forbidden', `The storage answered ${response.status}`);
  }

  #error(player, error) {
    if (player !== this.#player) return;
    // The network errors of dash.js have the codes 11 to 19 and 25 to 29.
    const code = error?.code ?? 0;
    const network = (code > 10 && code < 20) || (code >= 25 && code < 30);
    this.fail(network ? 'network' : 'media', error?.message ?? `dash.js error ${code}`);
  }
}
