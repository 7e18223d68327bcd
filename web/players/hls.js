/**
 * The adapter for hls.js.
 *
 * hls.js does not retry a 403 and does not reload a VOD playlist, so it cannot recover from an expired
 * URL: the adapter reports the first refusal to the session, and the buffer continues to play.
 *
 * @module players/hls
 */

import { failureKind, Player } from './player.js';

/** After a second decoding error within this time, recovery is not attempted again. */
const RECOVERY_MILLISECONDS = 10_000;

/** Plays HLS with hls.js in a media element. */
export class HlsPlayer extends Player {
  #Hls;
  #config;
  #hls = null;
  #recoveredAt = -Infinity;

  /**
   * @param {any} Hls  The class that hls.js exports.
   * @param {HTMLMediaElement} video
   * @param {object} [config]  Settings of hls.js.
   */
  constructor(Hls, video, config = {}) {
    super(video);
    this.#Hls = Hls;
    this.#config = config;
  }

  /** The hls.js instance of the current source, for menus of renditions and languages. */
  get library() {
    return this.#hls;
  }

  /** @override */
  open(url, positionSeconds) {
    const { Events } = this.#Hls;
    const chosen = this.#hls && pick(this.#hls);
    this.#hls?.destroy();
    const hls = new this.#Hls({ ...this.#config, startPosition: positionSeconds });
    this.#hls = hls;
    this.#recoveredAt = -Infinity;
    hls.on(Events.ERROR, (_event, data) => this.#error(hls, data));
    if (chosen) {
      hls.on(Events.AUDIO_TRACKS_UPDATED, () => restore(hls, 'audioTrack', chosen.audioTrack));
      hls.on(Events.SUBTITLE_TRACKS_UPDATED, () =>
        restore(hls, 'subtitleTrack', chosen.subtitleTrack),
      );
    }
    hls.loadSource(url);
    hls.attachMedia(this.video);
  }

  /** @override */
  release() {
    this.#hls?.destroy();
    this.#hls = null;
  }

  #error(hls, data) {
    const { ErrorTypes } = this.#Hls;
    const detail = data.error?.message ?? data.details;
    const refused = failureKind(data.response?.code) === 'forbidden';
    if (refused || (data.fatal && data.type === ErrorTypes.NETWORK_ERROR)) {
      hls.stopLoad();
      this.fail(refused ? 'forbidden' : 'network', detail);
    } else if (data.fatal && data.type === ErrorTypes.MEDIA_ERROR && this.#mayRecover()) {
      hls.recoverMediaError();
    } else if (data.fatal) {
      this.fail('media', detail);
    }
  }

  #mayRecover() {
    const now = performance.now();
    const may = now - this.#recoveredAt > RECOVERY_MILLISECONDS;
    this.#recoveredAt = now;
    return may;
  }
}

/** Return the viewer's choices of tracks, which a new instance does not have. */
function pick(hls) {
  return { audioTrack: hls.audioTrack, subtitleTrack: hls.subtitleTrack };
}

function restore(hls, name, index) {
  if (index >= 0 && hls[name] !== index) hls[name] = index;
}
