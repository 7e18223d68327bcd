/**
 * Playback of one film by one viewer: start, heartbeat, resume, renewal and stop, for any page and
 * any player.
 *
 * The session calls the streaming API and observes a media element; a player adapter (see
 * `players/player.js`) plays manifest URLs. No dependency, no build step:
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
 * - `renewed`: the player has a new URL, `detail` is `{ positionSeconds }`;
 * - `failed`: playback cannot continue automatically, `detail` is the {@link StreamingError}.
 *
 * @module streaming-session
 */

import { OpenSession } from './open-session.js';
import { bufferedAhead, PlayerFailure } from './players/player.js';
import { RenewalBudget } from './renewal-budget.js';
import { StallWatchdog } from './stall-watchdog.js';
import { newKey, StreamingClient, StreamingError } from './streaming-client.js';

export { newKey, StreamingClient, StreamingError };

/**
 * @typedef {'idle'|'starting'|'playing'|'paused'|'renewing'|'ended'|'stopped'|'failed'} State
 */

/**
 * The argument of a renewal hook.
 * @typedef {object} RenewalQuestion
 * @property {Date} expiresAt  When the manifest URL expires. The URLs in the manifest expire later.
 * @property {number} bufferedAheadSeconds
 * @property {'heartbeat'|'play'} moment
 */

/** From this share of its duration on, a film starts at the beginning instead of in its credits. */
const COMPLETED_FRACTION = 0.9;
/** A renewal is delayed while more than this is buffered, because playback continues meanwhile. */
const RENEWAL_BUFFER_SECONDS = 3;
/** Dragging the slider causes dozens of seeks; only the last position is reported. */
const SEEK_SETTLES_MILLISECONDS = 700;
/**
 * How often a start is repeated after a lost response, while its first request is still running, and
 * if the session of its key has ended.
 */
const START_REPEATS = { network_error: 1, request_in_progress: 5, session_ended: 1 };
/** A stalled film is moved by this time, to skip a gap and to make its player request data again. */
const NUDGE_SECONDS = 0.1;
/** The states in which stalls are detected. */
const WATCHED = new Set(['starting', 'playing', 'paused', 'renewing']);
/** A pause this close to the end counts as the end: dash.js may pause before the `ended` event. */
const END_SECONDS = 0.25;

/** Plays films through the streaming API; one film at a time. */
export class StreamingSession extends EventTarget {
  /** @type {State} */ #state = 'idle';
  #client;
  #video;
  #player;
  #heartbeatMilliseconds;
  #renewals;
  #shouldRenew;
  #stalls;

  #movieId = '';
  /** @type {'hls'|'dash'} */ #manifestType = 'hls';
  /** The session of the service, the last one if none is open. @type {OpenSession|null} */
  #open = null;
  #position = 0;
  /** When `#position` was measured, by `#now`. */
  #measuredAt = 0;
  #now;
  #resumedFrom = 0;
  #savedPosition = null;

  /** Incremented by each start and stop, to detect responses that are no longer relevant. */
  #run = 0;
  /** During a change of the source, the element's events are not caused by the viewer. */
  #loading = false;
  #heartbeat = null;
  #seekSettles = null;
  #renewalDue = false;
  /** @type {Promise<void>|null} */ #renewing = null;
  /** Whether another player took over and ended the session. */
  #isTakenOver = false;
  /** Whether the page was hidden during a film. */
  #left = false;
  #listeners = new AbortController();

  /**
   * @param {object} options
   * @param {string} [options.apiUrl]  Origin of the API; empty for that of the page.
   * @param {string|import('./streaming-client.js').TokenProvider} options.token
   * @param {HTMLMediaElement} options.video
   * @param {import('./players/player.js').Player} options.player
   * @param {number} [options.heartbeatSeconds]  Time between two reports while playing.
   * @param {number} [options.maxRenewals]  Renewals in a row before giving up.
   * @param {(question: RenewalQuestion) => boolean} [options.shouldRenew]  Proactive renewal: return
   *   true to renew before the player requests an expired URL. By default it is never renewed
   *   proactively: URLs in a manifest are valid for longer than the film, and a renewal needs a new
   *   session and discards the buffer.
   * @param {number} [options.stallSeconds]  How long a film may stall: then it is nudged, after the
   *   same time again it is renewed, and finally it fails. 0: without limit.
   * @param {typeof fetch} [options.fetch]
   * @param {(call: import('./streaming-client.js').Call) => void} [options.onCall]
   * @param {() => number} [options.now]  A monotonic clock in milliseconds.
   * @param {EventTarget} [options.page]  The source of `pagehide` and `pageshow`.
   */
  constructor({
    apiUrl,
    token,
    video,
    player,
    heartbeatSeconds = 10,
    maxRenewals = 3,
    shouldRenew = () => false,
    stallSeconds = 8,
    fetch,
    onCall,
    now = () => performance.now(),
    page = globalThis,
  }) {
    super();
    this.#now = now;
    this.#client = new StreamingClient({ apiUrl, token, fetch, onCall });
    this.#video = video;
    this.#player = player;
    this.#heartbeatMilliseconds = heartbeatSeconds * 1000;
    this.#renewals = new RenewalBudget(maxRenewals);
    this.#shouldRenew = shouldRenew;
    this.#stalls = new StallWatchdog(video, stallSeconds, (count) => this.#stalled(count));
    player.onfailure = (failure) => this.#playerFailed(failure);
    this.#listen(page);
  }

  get state() { return this.#state; }
  get movieId() { return this.#movieId; }
  /** UUID of the open session; null if none is open. */
  get sessionId() { return this.#isOpen ? this.#open.id : null; }
  /** Sequence of the last report of this session. */
  get sequence() { return this.#open?.sequence ?? 0; }
  /** Seconds into the film, also while the player is still seeking to that position. */
  get positionSeconds() { return this.#position; }
  /** The position at which this start began to play; 0 for the beginning. */
  get resumedFromSeconds() { return this.#resumedFrom; }
  /** The last position that the service acknowledged; null if there is none. */
  get savedPositionSeconds() { return this.#savedPosition; }
  get durationSeconds() { return this.#open?.durationSeconds ?? null; }
  /** When the manifest URL expires; null before the first start. */
  get expiresAt() { return this.#open?.expiresAt ?? null; }

  get #isOpen() { return this.#open !== null && !this.#open.ended; }

  /**
   * Start a film at the saved position, or at the beginning if it was watched to its end.
   *
   * @param {string} movieId
   * @param {object} [options]
   * @param {'hls'|'dash'} [options.manifestType]
   * @param {number} [options.positionSeconds]  Start here instead of at the saved position.
   * @param {boolean} [options.takeOver]  End the user's oldest stream if the limit is reached.
   * @param {string} [options.key]  The key of an earlier start without a response, see
   *   {@link newKey}: if it opened a session, this start continues it.
   * @returns {Promise<import('./streaming-client.js').StartAnswer|null>}  Null if a renewal,
   *   another start or a stop replaced it.
   * @throws {StreamingError}
   */
  async start(
    movieId,
    { manifestType = 'hls', positionSeconds, takeOver = false, key = newKey() } = {},
  ) {
    await this.stop();
    const run = ++this.#run;
    this.#movieId = movieId;
    this.#manifestType = manifestType;
    this.#renewals.refill();
    this.#savedPosition = null;
    this.#isTakenOver = false;
    this.#measure(positionSeconds ?? 0);
    this.#setState('starting');
    try {
      const answer = await this.#openSession(run, { takeOver, key });
      if (!answer) return null;
      this.#resumedFrom = positionSeconds ?? resumePosition(answer);
      await this.#load(answer.manifest_url, this.#resumedFrom, true, run);
      return answer;
    } catch (error) {
      if (run !== this.#run) return null;
      const failure = finalError(error);
      if (failure) throw this.#fail(failure);
      await this.renew();
      return null;
    }
  }

  /**
   * Save the position, end the session if one is open, and pause the element unless `keepalive` is
   * set. A failed request never rejects the promise; the `trouble` event reports it.
   *
   * @param {object} [options]
   * @param {boolean} [options.keepalive]  For a page that is being closed.
   * @returns {Promise<boolean>}  Whether the service acknowledged it.
   */
  async stop({ keepalive = false } = {}) {
    ++this.#run;
    this.#loading = false;
    this.#renewing = null;
    const ended = this.#end({ keepalive });
    // A page that may be shown again keeps the film as it is.
    if (!keepalive) this.#video.pause();
    if (this.#state !== 'idle' && this.#state !== 'failed') this.#setState('stopped');
    return ended;
  }

  /**
   * Start again at the position and pass the new URL to the player. Never throws: a failure is
   * reported by the `failed` event, as for an automatic renewal.
   */
  renew() {
    if (!this.#renewing) {
      const renewing = this.#renew().finally(() => {
        if (this.#renewing === renewing) this.#renewing = null;
      });
      this.#renewing = renewing;
    }
    return this.#renewing;
  }

  /** Stop, release the player and remove all listeners. The object cannot be used again. */
  async close() {
    this.#listeners.abort();
    const stopped = this.stop();
    this.#player.destroy();
    return stopped;
  }

  /** Open a session of the service; null if it is no longer needed when the response arrives. */
  async #openSession(run, options = { key: newKey() }) {
    const answer = await this.#askForSession(run, options);
    const opened = new OpenSession(this.#client, this.#movieId, answer);
    if (run !== this.#run) {
      opened.end(answer.resume_position_seconds).catch(() => {});
      return null;
    }
    this.#open = opened;
    return answer;
  }

  /** Request a session; repeated if its state is unknown: the key prevents a second one. */
  async #askForSession(run, { takeOver, key }) {
    const left = { ...START_REPEATS };
    for (;;) {
      try {
        return await this.#client.start(this.#movieId, this.#manifestType, { takeOver, key });
      } catch (error) {
        if (!left[error.code]) throw error;
        left[error.code] -= 1;
        if (error.code === 'session_ended') key = newKey();
        if (error.retryAfter) await seconds(error.retryAfter);
        if (run !== this.#run) throw error;
      }
    }
  }

  /** Pass a URL to the player and wait until it displays the position. */
  async #load(url, position, play, run) {
    this.#position = position;
    this.#loading = true;
    this.#renewalDue = false;
    this.#stalls.rest();
    this.#stalls.watch();
    await this.#player.load(url, position);
    if (run !== this.#run) return;
    this.#loading = false;
    this.#setState('paused');
    // A rejected autoplay is not a failure: the play button of the page still works.
    if (play) await Promise.resolve(this.#video.play()).catch(() => {});
  }

  async #renew() {
    const position = this.#position;
    const play = this.#state === 'starting' || !this.#video.paused;
    const run = ++this.#run;
    this.#setState('renewing');
    while (run === this.#run) {
      if (!this.#renewals.spend()) {
        this.#fail(renewalLimitReached(this.#renewals.limit));
        return;
      }
      try {
        // The old session ends first, so that a renewal never counts as an additional stream.
        await this.#end();
        const answer = await this.#openSession(run);
        if (!answer) return;
        await this.#load(answer.manifest_url, position, play, run);
        if (run === this.#run) this.#emit('renewed', { positionSeconds: position });
        return;
      } catch (error) {
        const failure = finalError(error);
        if (failure && run === this.#run) this.#fail(failure);
      }
    }
  }

  /** Open a new session for the displayed film, to replace one that has ended. */
  async #reopen() {
    try {
      if (await this.#openSession(this.#run)) await this.#report();
    } catch (error) {
      this.#emit('trouble', error);
    }
  }

  /** Report the position; a failure dispatches `trouble`, and the next heartbeat reports again. */
  async #report() {
    const reporting = this.#open;
    if (!reporting) return;
    try {
      const answer = await reporting.report(this.#position, this.#ageSeconds);
      if (!answer?.session_ended) this.#saved(answer);
      else if (reporting === this.#open && !reporting.ended) this.#takenOver();
    } catch (error) {
      if (reporting !== this.#open || reporting.ended) return;
      if (error.code === 'session_not_found') {
        reporting.ended = true;
        await this.#reopen();
      } else {
        this.#emit('trouble', error);
      }
    }
  }

  /** Stop playback: another player of the user took over. */
  #takenOver() {
    this.#isTakenOver = true;
    this.#open.ended = true;
    this.#fail(
      new StreamingError({
        status: 0,
        code: 'session_ended',
        title: 'The film continues on another device',
        detail: 'Another player of this account took over',
      }),
    );
    this.#video.pause();
  }

  /** End the session at the service, only once. */
  async #end({ keepalive = false } = {}) {
    this.#beatNoMore();
    if (!this.#isOpen) return false;
    try {
      this.#saved(await this.#open.end(this.#position, this.#ageSeconds, { keepalive }));
      return true;
    } catch (error) {
      this.#emit('trouble', error);
      return false;
    }
  }

  #saved(answer) {
    if (!answer) return;
    this.#savedPosition = answer.position_seconds;
    this.#emit('saved', { positionSeconds: answer.position_seconds });
  }

  #listen(page) {
    const { signal } = this.#listeners;
    const onVideo = (type, handle) =>
      this.#video.addEventListener(
        type,
        () => {
          if (!this.#loading && this.#open && this.#state !== 'starting') handle();
        },
        { signal },
      );
    onVideo('timeupdate', () => this.#moved());
    onVideo('waiting', () => this.#renewWhenDue());
    onVideo('seeking', () => this.#moved());
    onVideo('play', () => this.#resumed());
    onVideo('playing', () => this.#playing());
    onVideo('pause', () => this.#paused());
    onVideo('seeked', () => this.#seeked());
    onVideo('ended', () => this.#ended());
    page.addEventListener('pagehide', () => this.#pageHidden(), { signal });
    page.addEventListener('pageshow', (event) => this.#pageShown(event), { signal });
  }

  #moved() {
    // During a renewal the rest of the old buffer plays; this is not playback with new URLs.
    if (!this.#renewing) this.#renewals.moved(this.#video.currentTime - this.#position);
    // A paused element may dispatch `timeupdate` again, without playback.
    if (this.#video.currentTime !== this.#position) this.#measure(this.#video.currentTime);
    this.#renewWhenDue();
  }

  #resumed() {
    if (this.#isOpen) {
      this.#renewIfAsked('play');
    } else if (this.#state === 'ended' || this.#state === 'stopped') {
      // Playback after the end or after a stop needs a new session.
      this.#measure(this.#video.currentTime);
      this.#setState('playing');
      this.#reopen();
    } else if (this.#isTakenOver) {
      // The player still has valid URLs, but no session.
      this.#video.pause();
    }
  }

  #playing() {
    if (this.#state === 'renewing' || this.#state === 'failed' || this.#state === 'stopped') return;
    this.#setState('playing');
    this.#heartbeat ??= setInterval(() => {
      this.#report();
      this.#renewIfAsked('heartbeat');
    }, this.#heartbeatMilliseconds);
  }

  #paused() {
    this.#beatNoMore();
    // The end of a film also dispatches `pause`; `ended` handles it.
    if (this.#state !== 'playing' || this.#video.ended) return;
    if (this.#video.currentTime >= this.#video.duration - END_SECONDS) {
      this.#ended();
      return;
    }
    this.#setState('paused');
    this.#report();
  }

  #seeked() {
    this.#measure(this.#video.currentTime);
    clearTimeout(this.#seekSettles);
    this.#seekSettles = setTimeout(() => this.#report(), SEEK_SETTLES_MILLISECONDS);
  }

  #ended() {
    this.#measure(this.#video.duration || this.#position);
    this.#setState('ended');
    this.#end();
  }

  #measure(positionSeconds) {
    this.#position = positionSeconds;
    this.#measuredAt = this.#now();
  }

  get #ageSeconds() {
    return (this.#now() - this.#measuredAt) / 1000;
  }

  #beatNoMore() {
    clearInterval(this.#heartbeat);
    clearTimeout(this.#seekSettles);
    this.#heartbeat = null;
  }

  #pageHidden() {
    this.#left = this.#isOpen;
    if (this.#left) this.stop({ keepalive: true });
  }

  /** A page restored from the back/forward cache no longer has a session. */
  #pageShown(event) {
    if (event.persisted && this.#left) {
      this.#renewals.refill();
      this.renew();
    }
    this.#left = false;
  }

  /** @param {PlayerFailure} error */
  #playerFailed(error) {
    if (!this.#isOpen) return;
    const failure = finalError(error);
    if (failure) {
      this.#fail(failure);
      return;
    }
    this.#renewalDue = true;
    this.#renewWhenDue();
  }

  /** Renew after a failed request, as soon as the buffer is nearly empty. */
  #renewWhenDue() {
    if (!this.#renewalDue || !this.#isOpen) return;
    if (bufferedAhead(this.#video) <= RENEWAL_BUFFER_SECONDS) {
      this.#renewalDue = false;
      this.renew();
    }
  }

  /** Continue a stalled film: nudge it first, then renew, until no renewals are left. */
  #stalled(count) {
    if (this.#loading) {
      if (count > 1) this.#player.fail('network', 'No data received');
    } else if (!this.#isOpen || this.#video.paused || this.#video.ended) {
      return;
    } else if (count === 1) {
      this.#video.currentTime += NUDGE_SECONDS;
    } else {
      this.renew();
    }
  }

  #renewIfAsked(moment) {
    const bufferedAheadSeconds = bufferedAhead(this.#video);
    const question = { expiresAt: this.#open.expiresAt, bufferedAheadSeconds, moment };
    if (this.#isOpen && this.#shouldRenew(question)) this.renew();
  }

  #fail(error) {
    ++this.#run;
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
    if (WATCHED.has(state)) this.#stalls.watch();
    else this.#stalls.rest();
    this.#emit('state', state);
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/**
 * Return the position at which a film starts.
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

/**
 * Return the error that ends playback; null for one from which a renewal may recover.
 * @param {unknown} error
 */
function finalError(error) {
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

/** @param {number} count */
function seconds(count) {
  return new Promise((resolve) => setTimeout(resolve, count * 1000));
}

/** @param {number} renewals */
function renewalLimitReached(renewals) {
  return new StreamingError({
    status: 403,
    code: 'renewal_limit_reached',
    title: 'The film could not be renewed',
    detail: `${renewals} new URLs in a row did not play`,
  });
}
