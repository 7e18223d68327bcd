/**
 * The HTTP client of playback: one method per operation of the streaming API, and one typed error for
 * every failure.
 *
 * A page that only reads progress can use this module alone; a page that plays a film uses
 * `streaming-session.js`, which is based on it. No dependency, no build step.
 *
 * @module streaming-client
 */

/**
 * The response of `POST /api/v1/stream/{movie_id}`.
 * @typedef {object} StartAnswer
 * @property {string} manifest_url  Presigned; pass it to the player unchanged.
 * @property {number} expires_in  Seconds until `manifest_url` expires.
 * @property {'hls'|'dash'} manifest_type
 * @property {string} session_id  UUIDv7.
 * @property {number} resume_position_seconds
 * @property {number|null} duration_seconds
 * @property {boolean} [completed]  Whether the saved position is the end of the film.
 */

/**
 * A running stream of the user, as listed in a `stream_limit_reached` problem.
 * @typedef {object} LiveSession
 * @property {string} session_id
 * @property {string|null} movie_id
 * @property {string} started_at
 * @property {string} last_heartbeat_at
 */

/**
 * A position. The caller must increase the age of a repeated report, because the position that was
 * watched last takes precedence.
 * @typedef {object} Report
 * @property {number} positionSeconds
 * @property {string} [sessionId]
 * @property {number} [sequence]
 * @property {number} [ageSeconds]  Age of the position; 0 if omitted.
 */

/**
 * The response of progress and stop.
 * @typedef {object} ReportAnswer
 * @property {boolean} success
 * @property {number} position_seconds
 * @property {string} message
 * @property {boolean} [applied]  False if a later position is on record.
 * @property {boolean} [session_ended]  For progress: something else has ended the session.
 */

/**
 * One finished call, for logs and diagnostics.
 * @typedef {object} Call
 * @property {string} method
 * @property {string} path
 * @property {number} status  0 without a response.
 * @property {string|null} code  The problem's code if the call failed.
 * @property {number} milliseconds
 * @property {Date} at
 */

/**
 * Returns the caller's JWT. It is called before each request, so it may refresh the token.
 * @callback TokenProvider
 * @returns {string|Promise<string>}
 */

/** A failed call: the fields of the API's problem document, or a failed connection. */
export class StreamingError extends Error {
  /**
   * @param {object} problem
   * @param {number} problem.status  HTTP status; 0 without a response.
   * @param {string} problem.code  Stable, for programs: `subscription_required`, `network_error`, ...
   * @param {string} problem.title  A short text for people.
   * @param {string} [problem.detail]
   * @param {number|null} [problem.retryAfter]  Seconds to wait before another attempt.
   * @param {string|null} [problem.requestId]
   * @param {LiveSession[]} [problem.sessions]  For `stream_limit_reached`: the running streams, the
   *   oldest first.
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

  /** Whether the same call may succeed later without other changes. */
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
  /** The token of the last request; an unloading page has no time to get another one. */
  #lastToken = '';

  /**
   * @param {object} options
   * @param {string} [options.apiUrl]  Origin of the API; empty for that of the page.
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
   * @param {boolean} [options.takeOver]  End the oldest stream if the limit is reached.
   * @param {string} [options.key]  Makes it safe to repeat a start whose response was lost: with the
   *   same key the service returns the same session. See {@link newKey}.
   * @returns {Promise<StartAnswer>}
   * @throws {StreamingError}
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
   * @param {{keepalive?: boolean}} [options]  With `keepalive` the request continues after the page
   *   is closed.
   * @returns {Promise<ReportAnswer>}
   * @throws {StreamingError}
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
   * @throws {StreamingError}
   */
  stop(movieId, report, { keepalive = false } = {}) {
    return this.#call('POST', `${filmPath(movieId)}/stop`, { body: wire(report), keepalive });
  }

  /**
   * List the films that the user has started and not completed, newest first.
   * @param {number} [limit]
   * @throws {StreamingError}
   */
  continueWatching(limit = 10) {
    return this.#call('GET', `/api/v1/stream/progress?limit=${limit}`);
  }

  /**
   * Remove a film from the films to continue; its next report adds it again.
   * @param {string} movieId
   * @throws {StreamingError}
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
    // An unloading page runs no further tasks: this one must send a keepalive request.
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
        detail: cause?.name === 'TimeoutError' ? 'The request timed out' : '',
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

/** Return a unique idempotency key; unlike `randomUUID` it also works without HTTPS. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** @param {string} movieId */
function filmPath(movieId) {
  return `/api/v1/stream/${encodeURIComponent(movieId)}`;
}

/** Convert a report to the API's format: whole seconds, unknown fields omitted. */
function wire({ positionSeconds, sessionId, sequence, ageSeconds }) {
  return {
    position_seconds: Math.max(0, Math.floor(positionSeconds)),
    ...(sessionId && { session_id: sessionId, sequence }),
    ...(ageSeconds !== undefined && { age_seconds: age(ageSeconds) }),
  };
}

/** Limit an age to the API's range of 30 days, and round it to milliseconds. */
function age(seconds) {
  return Math.min(Math.max(0, Math.round(seconds * 1000) / 1000), 30 * 24 * 3600);
}

/** Read a body as JSON; null if it is not JSON, for example an HTML page of a proxy. */
async function readJson(response) {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Convert an unsuccessful response to a StreamingError. */
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

/** Return the seconds of a Retry-After header, which is a number or an HTTP date. */
function retryAfterSeconds(header) {
  if (!header) return null;
  const seconds = /^\d+$/.test(header.trim())
    ? Number(header)
    : Math.ceil((Date.parse(header) - Date.now()) / 1000);
  return Number.isFinite(seconds) ? Math.max(0, seconds) : null;
}
