/**
 * One viewer watching one film: start, heartbeat, resume, renewal and stop, for any page and any
 * player.
 *
 * The session calls the streaming API and watches a media element; a player adapter (see
 * `players/player.js`) turns manifest URLs into pictures. No dependency, no build step:
 *
 * ```js
 * import Hls from 'hls.js';
 * import { StreamingSession } from './streaming-session.js';
 * import { HlsPlayer } from './players/hls.js';
 *
 * const video = document.querySelector('video');
 * const session = new StreamingSession({
 *   apiUrl: 'https://api.example.com',
 *   token: () => auth.currentToken(),
 *   video,
 *   player: new HlsPlayer(Hls, video),
 * });
 * session.addEventListener('failed', ({ detail }) => show(detail.code, detail.title));
 * await session.start('0b7e9d6e-6f5b-4f0b-9f6a-2f8f3a0c1d11', { manifestType: 'hls' });
 * ```
 *
 * Events (all `CustomEvent`):
 * - `state`: `detail` is the new {@link State};
 * - `saved`: a position was acknowledged, `detail` is `{ positionSeconds }`;
 * - `trouble`: a report failed and will be repeated, `detail` is the {@link StreamingError};
 * - `renewed`: the player got a fresh URL, `detail` is `{ positionSeconds }`;
 * - `failed`: playback cannot go on by itself, `detail` is the {@link StreamingError}.
 *
 * @module streaming-session
 */

import { StreamingClient, StreamingError } from './streaming-client.js';
import { bufferedAhead, PlayerFailure } from './players/player.js';

export { StreamingClient, StreamingError };

/**
 * @typedef {'idle'|'starting'|'playing'|'paused'|'renewing'|'ended'|'stopped'|'failed'} State
 */

/**
 * What a renewal hook may look at.
 * @typedef {object} RenewalQuestion
 * @property {Date} expiresAt  When the manifest URL ends. The URLs inside it live longer.
 * @property {number} bufferedAheadSeconds
 * @property {'heartbeat'|'play'} moment
 */

/** A film this far along starts over instead of resuming in its credits. */
const COMPLETED_FRACTION = 0.9;
/** Renewals count as "in a row" until the film has really played this long after one. */
const PLAYED_AFTER_RENEWAL_SECONDS = 2;
/** With more than this in the buffer, a renewal can wait: viewers keep watching meanwhile. */
const RENEWAL_BUFFER_SECONDS = 3;
/** A scrub is dozens of seeks; only where it comes to rest is worth a report. */
const SEEK_SETTLES_MILLISECONDS = 700;

/** Plays films through the streaming API; one film at a time. */
export class StreamingSession extends EventTarget {
  /** @type {State} */ #state = 'idle';
  #client;
  #video;
  #player;
  #page;
  #heartbeatMilliseconds;
  #maxRenewals;
  #shouldRenew;

  #movieId = '';
  /** @type {'hls'|'dash'} */ #manifestType = 'hls';
  /** @type {string|null} */ #sessionId = null;
  #sequence = 0;
  #position = 0;
  #resumedFrom = 0;
  #durationSeconds = null;
  #savedPosition = null;
  #expiresAt = new Date(0);

  /** Grows with each start and stop, so that an answer that comes too late is known as such. */
  #run = 0;
  /** While a source is being changed, the element's events tell nothing about the viewer. */
  #loading = false;
  #heartbeat = null;
  #seekSettles = null;
  #reportsPausedUntil = 0;
  #renewals = 0;
  #playedSinceRenewal = 0;
  #renewalDue = false;
  /** @type {Promise<void>|null} */ #renewing = null;
  #left = null;
  #listeners = new AbortController();

  /**
   * @param {object} options
   * @param {string} [options.apiUrl]  Origin of the API; empty for the page's own.
   * @param {string|import('./streaming-client.js').TokenProvider} options.token
   * @param {HTMLMediaElement} options.video
   * @param {import('./players/player.js').Player} options.player
   * @param {number} [options.heartbeatSeconds]  Time between two reports while playing.
   * @param {number} [options.maxRenewals]  Renewals in a row before giving up.
   * @param {(question: RenewalQuestion) => boolean} [options.shouldRenew]  Proactive renewal:
   *   answer true to renew before the player meets an expired URL. Never, unless given: URLs
   *   inside a manifest outlive the film, and a renewal costs a session and a buffer.
   * @param {typeof fetch} [options.fetch]
   * @param {(call: import('./streaming-client.js').Call) => void} [options.onCall]
   * @param {EventTarget} [options.page]  Where `pagehide` and `pageshow` come from.
   */
  constructor({
    apiUrl,
    token,
    video,
    player,
    heartbeatSeconds = 10,
    maxRenewals = 3,
    shouldRenew = () => false,
    fetch,
    onCall,
    page = globalThis,
  }) {
    super();
    this.#client = new StreamingClient({ apiUrl, token, fetch, onCall });
    this.#video = video;
    this.#player = player;
    this.#page = page;
    this.#heartbeatMilliseconds = heartbeatSeconds * 1000;
    this.#maxRenewals = maxRenewals;
    this.#shouldRenew = shouldRenew;
    player.onfailure = (failure) => this.#playerFailed(failure);
    this.#listen();
  }

  get state() { return this.#state; }
  get movieId() { return this.#movieId; }
  get manifestType() { return this.#manifestType; }
  /** UUID of the open session; null when none is open. */
  get sessionId() { return this.#sessionId; }
  /** Sequence of the last report of this session. */
  get sequence() { return this.#sequence; }
  /** Seconds into the film, also while the player is still seeking there. */
  get positionSeconds() { return this.#position; }
  /** Where this start began to play; 0 when from the beginning. */
  get resumedFromSeconds() { return this.#resumedFrom; }
  /** The last position that the service acknowledged; null when none was. */
  get savedPositionSeconds() { return this.#savedPosition; }
  get durationSeconds() { return this.#durationSeconds; }
  get expiresAt() { return this.#expiresAt; }
  get client() { return this.#client; }

  /**
   * Start a film where the user left it, or from the beginning when it was watched to its end.
   *
   * @param {string} movieId
   * @param {object} [options]
   * @param {'hls'|'dash'} [options.manifestType]
   * @param {number} [options.positionSeconds]  Begin here, whatever was saved.
   * @returns {Promise<import('./streaming-client.js').StartAnswer|null>}  Null when a renewal,
   *   another start or a stop took its place.
   * @throws {StreamingError}
   */
  async start(movieId, { manifestType = 'hls', positionSeconds } = {}) {
    await this.stop();
    this.#movieId = movieId;
    this.#manifestType = manifestType;
    this.#renewals = 0;
    this.#savedPosition = null;
    this.#reportsPausedUntil = 0;
    this.#setState('starting');
    const run = ++this.#run;
    try {
      const answer = await this.#open(run);
      if (!answer) return null;
      this.#resumedFrom = positionSeconds ?? resumePosition(answer);
      await this.#load(answer.manifest_url, this.#resumedFrom, true, run);
      return answer;
    } catch (error) {
      if (run !== this.#run) return null;
      const failure = this.#failure(error);
      if (failure) throw this.#fail(failure);
      await this.renew();
      return null;
    }
  }

  /**
   * Save the position and end the session. Without an open one, nothing happens.
   *
   * @param {object} [options]
   * @param {boolean} [options.keepalive]  For a page that is going away.
   * @returns {Promise<boolean>}  Whether the service acknowledged it.
   */
  async stop({ keepalive = false } = {}) {
    ++this.#run;
    this.#loading = false;
    this.#renewing = null;
    const ended = this.#end({ keepalive });
    // A page that may come back should find the film as it was left.
    if (!keepalive) this.#video.pause();
    if (this.#state !== 'idle' && this.#state !== 'failed') this.#setState('stopped');
    return ended;
  }

  /**
   * Start again at the position and hand the new URL to the player.
   *
   * @param {object} [options]
   * @param {boolean} [options.again]  A person asked for it: the bound counts from zero.
   */
  renew({ again = false } = {}) {
    if (again) this.#renewals = 0;
    if (!this.#renewing) {
      const renewing = this.#renew().finally(() => {
        if (this.#renewing === renewing) this.#renewing = null;
      });
      this.#renewing = renewing;
    }
    return this.#renewing;
  }

  /** Stop, let the player go and forget the page. The object cannot be used again. */
  async close() {
    this.#listeners.abort();
    const stopped = this.stop();
    this.#player.destroy();
    return stopped;
  }

  /** Open a session at the service; null when it is no longer wanted once the answer is here. */
  async #open(run) {
    const movieId = this.#movieId;
    const answer = await this.#client.start(movieId, this.#manifestType);
    if (run !== this.#run) {
      const report = { positionSeconds: answer.resume_position_seconds, sequence: 1 };
      this.#client.stop(movieId, { ...report, sessionId: answer.session_id }).catch(() => {});
      return null;
    }
    this.#sessionId = answer.session_id;
    this.#sequence = 0;
    this.#durationSeconds = answer.duration_seconds;
    this.#expiresAt = new Date(Date.now() + answer.expires_in * 1000);
    return answer;
  }

  /** Give a URL to the player and wait until it stands at the position. */
  async #load(url, position, play, run) {
    this.#position = position;
    this.#loading = true;
    this.#renewalDue = false;
    this.#playedSinceRenewal = 0;
    try {
      await this.#player.load(url, position);
    } finally {
      if (run === this.#run) this.#loading = false;
    }
    if (run !== this.#run) return;
    this.#setState('paused');
    // A refusal of autoplay is not a failure: the play button of the page still works.
    if (play) await Promise.resolve(this.#video.play()).catch(() => {});
  }

  async #renew() {
    const position = this.#position;
    const play = this.#state === 'failed' || !this.#video.paused;
    const run = ++this.#run;
    this.#setState('renewing');
    while (run === this.#run) {
      if (++this.#renewals > this.#maxRenewals) {
        this.#fail(renewalLimitReached(this.#maxRenewals));
        return;
      }
      try {
        // The old session ends first, so that a renewal never counts as one more stream.
        await this.#end();
        const answer = await this.#open(run);
        if (!answer) return;
        await this.#load(answer.manifest_url, position, play, run);
        if (run === this.#run) this.#emit('renewed', { positionSeconds: position });
        return;
      } catch (error) {
        if (run !== this.#run) return;
        const failure = this.#failure(error);
        if (failure) {
          this.#fail(failure);
          return;
        }
      }
    }
  }

  /** The error that ends playback; null for one that a fresh URL may mend. */
  #failure(error) {
    if (!(error instanceof PlayerFailure)) return error;
    if (error.renewable) return null;
    return new StreamingError({
      status: 0,
      code: 'media_error',
      title: 'The film cannot be played',
      detail: error.message,
      cause: error,
    });
  }

  /** Tell the service that the session is over, once. */
  async #end({ keepalive = false } = {}) {
    const sessionId = this.#sessionId;
    if (!sessionId) return false;
    this.#sessionId = null;
    this.#beatNoMore();
    const positionSeconds = this.#position;
    const report = { positionSeconds, sessionId, sequence: ++this.#sequence };
    try {
      this.#saved(await this.#client.stop(this.#movieId, report, { keepalive }));
      return true;
    } catch (error) {
      this.#emit('trouble', error);
      return false;
    }
  }

  /** Report the position; a failure is told and repeated with the next heartbeat. */
  async #report({ keepalive = false } = {}) {
    const sessionId = this.#sessionId;
    if (!sessionId || this.#loading || Date.now() < this.#reportsPausedUntil) return;
    const positionSeconds = this.#position;
    const report = { positionSeconds, sessionId, sequence: ++this.#sequence };
    try {
      this.#saved(await this.#client.progress(this.#movieId, report, { keepalive }));
    } catch (error) {
      if (sessionId !== this.#sessionId) return;
      if (error.retryAfter) this.#reportsPausedUntil = Date.now() + error.retryAfter * 1000;
      if (error.code === 'session_not_found') await this.#reopen();
      else this.#emit('trouble', error);
    }
  }

  /** Open a new session for the film that is on the screen, for one that the service has ended. */
  async #reopen() {
    this.#sessionId = null;
    try {
      const answer = await this.#open(this.#run);
      if (answer) await this.#report();
    } catch (error) {
      this.#emit('trouble', error);
    }
  }

  #saved(answer) {
    this.#savedPosition = answer.position_seconds;
    this.#emit('saved', { positionSeconds: answer.position_seconds });
  }

  #listen() {
    const { signal } = this.#listeners;
    const on = (target, type, handle) => target.addEventListener(type, handle, { signal });
    const onVideo = (type, handle) =>
      on(this.#video, type, () => {
        if (!this.#loading && this.#movieId) handle();
      });
    onVideo('timeupdate', () => this.#moved());
    onVideo('waiting', () => this.#renewWhenDue());
    onVideo('seeking', () => this.#renewWhenDue());
    onVideo('play', () => this.#resumed());
    onVideo('playing', () => this.#playing());
    onVideo('pause', () => this.#paused());
    onVideo('seeked', () => this.#seeked());
    onVideo('ended', () => this.#ended());
    on(this.#page, 'pagehide', () => this.#pageHidden());
    on(this.#page, 'pageshow', (event) => this.#pageShown(event));
  }

  #moved() {
    const step = this.#video.currentTime - this.#position;
    this.#position = this.#video.currentTime;
    // A jump is a seek, not playing: only what was watched proves that a renewed URL works.
    if (step > 0 && step < 1.5) this.#playedSinceRenewal += step;
    if (this.#playedSinceRenewal >= PLAYED_AFTER_RENEWAL_SECONDS) this.#renewals = 0;
    this.#renewWhenDue();
  }

  #resumed() {
    // Playing on after the end, or after a stop, is watching again: that needs a session.
    if (!this.#sessionId && (this.#state === 'ended' || this.#state === 'stopped')) {
      this.#setState('playing');
      this.#position = this.#video.currentTime;
      this.#reopen();
    } else {
      this.#renewIfAsked('play');
    }
  }

  #playing() {
    if (this.#state === 'renewing' || this.#state === 'failed') return;
    this.#setState('playing');
    this.#heartbeat ??= setInterval(() => {
      this.#report();
      this.#renewIfAsked('heartbeat');
    }, this.#heartbeatMilliseconds);
  }

  #paused() {
    this.#beatNoMore();
    if (this.#state !== 'playing' || this.#video.ended) return;
    this.#setState('paused');
    this.#report();
  }

  #seeked() {
    this.#position = this.#video.currentTime;
    clearTimeout(this.#seekSettles);
    this.#seekSettles = setTimeout(() => this.#report(), SEEK_SETTLES_MILLISECONDS);
  }

  #ended() {
    this.#position = this.#video.duration || this.#position;
    this.#setState('ended');
    this.#end();
  }

  #beatNoMore() {
    clearInterval(this.#heartbeat);
    clearTimeout(this.#seekSettles);
    this.#heartbeat = null;
  }

  #pageHidden() {
    if (!this.#sessionId) return;
    this.#left = { position: this.#position };
    this.stop({ keepalive: true });
  }

  /** A page that comes back from the back/forward cache has no session any more: renew. */
  #pageShown(event) {
    if (event.persisted && this.#left) {
      this.#position = this.#left.position;
      this.renew({ again: true });
    }
    this.#left = null;
  }

  /** @param {PlayerFailure} error */
  #playerFailed(error) {
    if (!this.#sessionId) return;
    const failure = this.#failure(error);
    if (failure) {
      this.#fail(failure);
      return;
    }
    this.#renewalDue = true;
    this.#renewWhenDue();
  }

  /** Renew after a failed request, as soon as the buffer no longer hides it. */
  #renewWhenDue() {
    if (!this.#renewalDue || !this.#sessionId) return;
    if (bufferedAhead(this.#video) <= RENEWAL_BUFFER_SECONDS) {
      this.#renewalDue = false;
      this.renew();
    }
  }

  #renewIfAsked(moment) {
    const bufferedAheadSeconds = bufferedAhead(this.#video);
    const question = { expiresAt: this.#expiresAt, bufferedAheadSeconds, moment };
    if (this.#sessionId && this.#shouldRenew(question)) this.renew();
  }

  #fail(error) {
    ++this.#run;
    this.#beatNoMore();
    this.#loading = false;
    this.#end();
    this.#setState('failed');
    this.#emit('failed', error);
    return error;
  }

  /** @param {State} state */
  #setState(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.#emit('state', state);
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/**
 * Tell where a film should begin.
 *
 * @param {import('./streaming-client.js').StartAnswer} answer
 * @returns {number}  Seconds; 0 for a film that was watched to its end.
 */
export function resumePosition(answer) {
  const position = answer.resume_position_seconds ?? 0;
  const duration = answer.duration_seconds;
  if (answer.completed || (duration && position >= duration * COMPLETED_FRACTION)) return 0;
  return position;
}

/** @param {number} renewals */
function renewalLimitReached(renewals) {
  return new StreamingError({
    status: 403,
    code: 'renewal_limit_reached',
    title: 'The film could not be renewed',
    detail: `${renewals} fresh URLs in a row did not play`,
  });
}
