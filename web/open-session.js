/**
 * A session of the service: an id, and numbered reports of a position until it ends.
 *
 * The service orders the reports of one session by sequence, and those of several sessions by time,
 * so that a late or repeated report never overwrites a newer position. Therefore each sequence number
 * is used once, even if its report fails, and each report contains the age of its position.
 *
 * @module open-session
 */

/** One session that `POST /api/v1/stream/{movie_id}` has opened. */
export class OpenSession {
  #client;
  #movieId;
  #reportsPausedUntil = 0;

  /**
   * @param {import('./streaming-client.js').StreamingClient} client
   * @param {string} movieId
   * @param {import('./streaming-client.js').StartAnswer} answer
   */
  constructor(client, movieId, answer) {
    this.#client = client;
    this.#movieId = movieId;
    this.id = answer.session_id;
    this.durationSeconds = answer.duration_seconds;
    /** When the manifest URL expires. */
    this.expiresAt = new Date(Date.now() + answer.expires_in * 1000);
    /** The number of the last report. */
    this.sequence = 0;
    this.ended = false;
  }

  /**
   * Report a position; null without a request after the end, and during a pause (`Retry-After`).
   * @param {number} positionSeconds
   * @param {number} ageSeconds  Age of the position.
   * @param {{keepalive?: boolean}} [options]
   * @returns {Promise<import('./streaming-client.js').ReportAnswer|null>}
   * @throws {import('./streaming-client.js').StreamingError}
   */
  async report(positionSeconds, ageSeconds, options) {
    if (this.ended || Date.now() < this.#reportsPausedUntil) return null;
    try {
      const report = this.#next(positionSeconds, ageSeconds);
      return await this.#client.progress(this.#movieId, report, options);
    } catch (error) {
      if (error.retryAfter) this.#reportsPausedUntil = Date.now() + error.retryAfter * 1000;
      throw error;
    }
  }

  /**
   * End the session at a position; a second call does nothing and returns null.
   * @param {number} positionSeconds
   * @param {number} ageSeconds  Age of the position.
   * @param {{keepalive?: boolean}} [options]
   * @returns {Promise<import('./streaming-client.js').ReportAnswer|null>}
   * @throws {import('./streaming-client.js').StreamingError}
   */
  async end(positionSeconds, ageSeconds, options) {
    if (this.ended) return null;
    this.ended = true;
    return this.#client.stop(this.#movieId, this.#next(positionSeconds, ageSeconds), options);
  }

  #next(positionSeconds, ageSeconds) {
    this.sequence += 1;
    return { positionSeconds, sessionId: this.id, sequence: this.sequence, ageSeconds };
  }
}
