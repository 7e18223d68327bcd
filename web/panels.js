/**
 * The side panels of the player page: films to continue, facts of the session, the log of calls.
 *
 * The functions render their arguments; none of them calls the service.
 *
 * @module panels
 */

import { clock } from './messages.js';

/** The maximum number of calls in the log. */
const CALLS_SHOWN = 60;

/** @param {string} id */
export function byId(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/**
 * List the films that can be continued.
 * @param {{movie_id: string, position_seconds: number, duration_seconds: number|null}[]} items
 * @param {(movieId: string) => string} titleOf
 * @param {(movieId: string) => void} choose
 */
export function drawContinueWatching(items, titleOf, choose) {
  const rows = items.map((item) => {
    const { movie_id: movieId, position_seconds: position, duration_seconds: duration } = item;
    const where = duration ? `${clock(position)} of ${clock(duration)}` : clock(position);
    const button = element(
      'button',
      { type: 'button', onclick: () => choose(movieId) },
      element('b', { textContent: titleOf(movieId) }),
      element('small', { textContent: where }),
    );
    if (duration) {
      const bar = element('progress', { max: duration, value: position });
      bar.setAttribute('aria-label', 'Watched');
      button.append(bar);
    }
    return element('li', {}, button);
  });
  byId('continue').replaceChildren(...rows);
  byId('continue-empty').hidden = rows.length > 0;
}

/** @param {import('./streaming-session.js').StreamingSession} session */
export function drawFacts(session) {
  const saved = session.savedPositionSeconds;
  byId('fact-session').textContent = session.sessionId ?? 'none';
  byId('fact-saved').textContent = saved === null ? 'not yet' : clock(saved);
  byId('fact-sequence').textContent = String(session.sequence);
  byId('fact-expires').textContent = session.sessionId
    ? session.expiresAt.toLocaleTimeString()
    : '–';
}

/** @param {import('./streaming-client.js').Call} call */
export function logCall({ method, path, status, code, milliseconds, at }) {
  const ok = status >= 200 && status < 300;
  // The film's id is shortened: it is long, and all calls of the page are about one film.
  const short = path.replace(/^\/api\/v1|\?.*$/g, '').replace(/([0-9a-f]{4})[0-9a-f-]{32}/i, '$1…');
  const line = element(
    'li',
    { title: `${at.toLocaleTimeString()} ${method} ${path}` },
    element('span', { textContent: `${method} ${short}` }),
    element('span', {
      className: ok ? 'ok' : 'not-ok',
      textContent: [status || 'no answer', code].filter(Boolean).join(' '),
    }),
    element('span', { textContent: `${milliseconds} ms` }),
  );
  const calls = byId('calls');
  calls.prepend(line);
  while (calls.childElementCount > CALLS_SHOWN) calls.lastElementChild.remove();
  byId('calls-empty').hidden = true;
}
