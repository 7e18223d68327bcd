/**
 * The HTTP side of playback: one method per call of the streaming API, and every failure as one
 * typed error.
 *
 * A page that only wants to read progress can use this module alone; a page that plays a film
 * uses `streaming-session.js`, which is built on it. No dependency, no build step.
 *
 * @module streaming-client
 */

/**
 * What `POST /api/v1/stream/{movie_id}` answers.
 * @typedef {object} StartAnswer
 * @property {string} manifest_url  Presigned; give it to the player as it is.
 * @property {number} expires_in  Seconds that `manifest_url` can be fetched.
 * @property {'hls'|'dash'} manifest_type
 * @property {string} session_id  UUIDv7.
 * @property {number} resume_position_seconds
 * @property {number|null} duration_seconds
 * @property {boolean} [completed]  Whether the saved position is the end of the film.
 */

/**
 * A stream of the user that runs, as a refusal lists it.
 * @typedef {object} LiveSession
 * @property {string} session_id
 * @property {string|null} movie_id
 * @property {string} started_at
 * @property {string} last_heartbeat_at
 */

/**
 * A position. Who repeats a report lets its age grow: what was watched last counts.
 * @typedef {object} Report
 * @property {number} positionSeconds
 * @property {string} [sessionId]
 * @property {number} [sequence]
 * @property {number} [ageSeconds]  How long ago the film was there; now, unless given.
 */

/**
 * What progress and stop answer.
 * @typedef {object} ReportAnswer
 * @property {boolean} success
 * @property {number} position_seconds
 * @property {string} message
 * @property {boolean} [applied]  False when something else was watched later.
 * @property {boolean} [session_ended]  Of a progress: the session is over, and not by this player.
 */

/**
 * One finished call, for logs and diagnostics.
 * @typedef {object} Call
 * @property {string} method
 * @property {string} path
 * @property {number} status  0 when no answer came.
 * @property {string|null} code  The problem's code, when it failed.
 * @property {number} milliseconds
 * @property {Date} at
 */

/**
 * Answers the caller's JWT. It is asked before each request, so it may refresh the token.
 * @callback TokenProvider
 * @returns {string|Promise<string>}
 */

/** A call that failed: the fields of the API's problem document, or of a failed connection. */
export class StreamingError extends Error {
  /**
   * @param {object} problem
   * @param {number} problem.status  HTTP status; 0 when no answer came.
   * @param {string} problem.code  Stable, for code: `subscription_required`, `network_error`, ...
   * @param {string} problem.title  Short, for people.
   * @param {string} [problem.detail]
   * @param {number|null} [problem.retryAfter]  Seconds to wait before another attempt.
   * @param {string|null} [problem.requestId]
   * @param {LiveSession[]} [problem.sessions]  With `stream_limit_reached`: what runs, oldest first.
   * @param {unknown} [problem.cause]
   */
  constructor({
    status,
    code,
    title,
    detail = '',
    retryAfter = null,
    requestId = null,
    sessions = [],
    cause,
  }) {
    super(detail ? `${title}: ${detail}` : title, { cause });
    this.name = 'StreamingError';
    this.status = status;
    this.code = code;
    this.title = title;
    this.detail = detail;
    this.retryAfter = retryAfter;
    this.requestId = requestId;
    this.sessions = sessions;
  }

  /** Whether the same call may succeed later without anything else changing. */
  get retryable() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** Calls the streaming API for one user. */
export class StreamingClient {
  #apiUrl;
  #token;
  #fetch;
  #timeoutSeconds;
  #onCall;
  /** The token of the last request: all that a page on its way out has time for. */
  #lastToken = '';

  /**
   * @param {object} options
   * @param {string} [options.apiUrl]  Origin of the API; empty for the page's own.
   * @param {string|TokenProvider} options.token
   * @param {typeof fetch} [options.fetch]
   * @param {number} [options.timeoutSeconds]
   * @param {(call: Call) => void} [options.onCall]
   */
  constructor({
    apiUrl = '',
    token,
    fetch = (...request) => globalThis.fetch(...request),
    timeoutSeconds = 15,
    onCall = () => {},
  }) {
    this.#apiUrl = apiUrl.replace(/\/+$/, '');
    this.#token = token;
    this.#fetch = fetch;
    this.#timeoutSeconds = timeoutSeconds;
    this.#onCall = onCall;
    if (typeof token === 'string') this.#lastToken = token;
  }

  /**
   * Start a film.
   * @param {string} movieId
   * @param {'hls'|'dash'} manifestType
   * @param {object} [options]
   * @param {boolean} [options.takeOver]  End the oldest stream when as many run as may.
   * @param {string} [options.key]  Makes it safe to repeat a start whose answer was lost: with the
   *   same key the service answers the same session. See {@link newKey}.
   * @returns {Promise<StartAnswer>}
   */
  start(movieId, manifestType, { takeOver = false, key } = {}) {
    return this.#call('POST', filmPath(movieId), {
      body: { manifest_type: manifestType, ...(takeOver && { take_over: true }) },
      headers: key ? { 'Idempotency-Key': key } : {},
    });
  }

  /**
   * Save a position.
   * @param {string} movieId
   * @param {Report} report
   * @param {{keepalive?: boolean}} [options]  `keepalive` lets the request outlive the page.
   * @returns {Promise<ReportAnswer>}
   */
  progress(movieId, report, { keepalive = false } = {}) {
    return this.#call('POST', `${filmPath(movieId)}/progress`, { body: wire(report), keepalive });
  }

  /**
   * End a session at a position.
   * @param {string} movieId
   * @param {Report} report
   * @param {{keepalive?: boolean}} [options]
   * @returns {Promise<ReportAnswer>}
   */
  stop(movieId, report, { keepalive = false } = {}) {
    return this.#call('POST', `${filmPath(movieId)}/stop`, { body: wire(report), keepalive });
  }

  /**
   * List the films that the user has begun and not finished, newest first.
   * @param {number} [limit]
   */
  continueWatching(limit = 10) {
    return this.#call('GET', `/api/v1/stream/progress?limit=${limit}`);
  }

  /**
   * Remove a film from those to continue; its next report brings it back.
   * @param {string} movieId
   */
  async remove(movieId) {
    await this.#call('DELETE', `${filmPath(movieId)}/progress`);
  }

  async #call(method, path, { body, headers = {}, keepalive = false } = {}) {
    const began = performance.now();
    const note = (status, code) =>
      this.#onCall({
        method,
        path,
        status,
        code,
        milliseconds: Math.round(performance.now() - began),
        at: new Date(),
      });
    // A leaving page runs no further tasks: a keepalive request must go out within this one.
    const token = keepalive && this.#lastToken ? this.#lastToken : await this.#currentToken();
    let response;
    let answer;
    try {
      response = await this.#fetch(`${this.#apiUrl}${path}`, {
        method,
        keepalive,
        cache: 'no-store',
        headers: {
          Authorization: `Bearer ${token}`,
          Accept: 'application/json, application/problem+json',
          ...(body && { 'Content-Type': 'application/json' }),
          ...headers,
        },
        ...(body && { body: JSON.stringify(body) }),
        ...(!keepalive && { signal: AbortSignal.timeout(this.#timeoutSeconds * 1000) }),
      });
      answer = response.status === 204 ? {} : await readJson(response);
    } catch (cause) {
      note(0, 'network_error');
      throw new StreamingError({
        status: 0,
        code: 'network_error',
        title: 'The service could not be reached',
        detail: cause?.name === 'TimeoutError' ? 'No answer in time' : '',
        cause,
      });
    }
    if (!response.ok || answer === null) {
      const error = problem(response, answer);
      note(response.status, error.code);
      throw error;
    }
    note(response.status, null);
    return answer;
  }

  async #currentToken() {
    this.#lastToken = typeof this.#token === 'function' ? await this.#token() : this.#token;
    return this.#lastToken;
  }
}

/** Make a key that no other start has, also on a page without HTTPS. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** @param {string} movieId */
function filmPath(movieId) {
  return `/api/v1/stream/${encodeURIComponent(movieId)}`;
}

/** The API takes whole seconds and leaves out what is not known. */
function wire({ positionSeconds, sessionId, sequence, ageSeconds }) {
  return {
    position_seconds: Math.max(0, Math.floor(positionSeconds)),
    ...(sessionId && { session_id: sessionId, sequence }),
    ...(ageSeconds !== undefined && { age_seconds: age(ageSeconds) }),
  };
}

/** The API takes ages of up to 30 days, to the millisecond. */
function age(seconds) {
  return Math.min(Math.max(0, Math.round(seconds * 1000) / 1000), 30 * 24 * 3600);
}

/** Read a body as JSON; null when it is none, as with an HTML page of some proxy between. */
async function readJson(response) {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Turn an unsuccessful answer into the error that callers handle. */
function problem(response, answer) {
  const told = answer !== null && typeof answer === 'object' ? answer : {};
  return new StreamingError({
    status: response.status,
    // API Gateway itself answers 401 in its own format when the header is missing.
    code: told.code ?? (response.status === 401 ? 'token_missing' : 'http_error'),
    title: told.title ?? told.message ?? `The service answered ${response.status}`,
    detail: told.detail ?? '',
    retryAfter: retryAfterSeconds(response.headers.get('Retry-After')),
    requestId: told.request_id ?? null,
    sessions: Array.isArray(told.sessions) ? told.sessions : [],
  });
}

/** Seconds of a Retry-After header, which is a number or an HTTP date. */
function retryAfterSeconds(header) {
  if (!header) return null;
  const seconds = /^\d+$/.test(header.trim())
    ? Number(header)
    : Math.ceil((Date.parse(header) - Date.now()) / 1000);
  return Number.isFinite(seconds) ? Math.max(0, seconds) : null;
}
