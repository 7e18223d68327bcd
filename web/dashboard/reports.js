/**
 * The HTTP client of the reports: one method per report, as JSON or as a CSV file.
 *
 * @module reports
 */

/**
 * @typedef {object} Measures
 * @property {number} views
 * @property {number} unique_viewers
 * @property {number} viewer_days
 * @property {number} sessions
 * @property {number} abandoned_sessions
 * @property {number} watch_time_ms
 * @property {number} completions
 * @property {number} completion_rate  From 0 to 1.
 * @property {number} average_percentage_watched  From 0 to 100.
 */

/** A report that could not be read. `status` is 0 without a response. */
export class ReportError extends Error {
  /** @param {{status: number, code: string, title: string, retryAfter?: number|null}} problem */
  constructor({ status, code, title, retryAfter = null }) {
    super(title);
    this.name = 'ReportError';
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/** The UTC day `back` days before `now`, as in `from` and `to`. */
export function utcDay(back = 0, now = Date.now()) {
  return new Date(now - back * 86_400_000).toISOString().slice(0, 10);
}

export class Reports {
  /** @param {() => string} token  Returns the JWT of an administrator. */
  constructor(token) {
    this.token = token;
    /** The time of the service at its last response, in milliseconds. */
    this.serverTime = Date.now();
  }

  overview(range) {
    return this.#json('/overview', range);
  }

  movies(query) {
    return this.#json('/movies', query);
  }

  movie(movieId, range) {
    return this.#json(`/movies/${encodeURIComponent(movieId)}`, range);
  }

  concurrency(query) {
    return this.#json('/concurrency', query);
  }

  /** Return a report as CSV, and the file name that the service proposes. */
  csv(path, query) {
    return this.#get(path, query, 'text/csv', async (response) => {
      const header = response.headers.get('content-disposition') ?? '';
      const name = /filename="([^"]+)"/.exec(header)?.[1] ?? 'report.csv';
      return { name, blob: await response.blob() };
    });
  }

  #json(path, query) {
    return this.#get(path, query, 'application/json', (response) => response.json());
  }

  /** Return what `read` makes of a response; its body may end early, too. */
  async #get(path, query, accept, read) {
    const url = `/api/v1/analytics${path}?${new URLSearchParams(query)}`;
    const headers = { Accept: accept, Authorization: `Bearer ${this.token()}` };
    let response;
    let found;
    try {
      response = await fetch(url, { headers, cache: 'no-store', signal: AbortSignal.timeout(20_000) });
      found = response.ok ? await read(response) : null;
    } catch {
      throw new ReportError({ status: 0, code: 'network_error', title: 'The service does not respond' });
    }
    if (response.ok) {
      this.serverTime = Date.parse(response.headers.get('date') ?? '') || Date.now();
      return found;
    }
    // Without a JSON body the response is the gateway's own.
    const problem = await response.json().catch(() => ({}));
    throw new ReportError({
      status: response.status,
      code: problem.code ?? `http_${response.status}`,
      title: problem.title ?? problem.message ?? response.statusText,
      retryAfter: Number(response.headers.get('retry-after')) || null,
    });
  }
}
