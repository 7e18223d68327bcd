/**
 * The messages of the player page: states and problems, in words for viewers.
 *
 * @module messages
 */

/** @type {Record<import('./streaming-session.js').State, string>} */
export const STATES = {
  idle: 'Not playing',
  starting: 'Starting…',
  playing: 'Playing',
  paused: 'Paused',
  renewing: 'Getting a new link…',
  ended: 'Finished',
  stopped: 'Stopped',
  failed: 'Not playing',
};

const SIGN_IN = 'Paste a new access token below, or use the demo user.';
const UNAVAILABLE = ['The service is not available', 'One of its components does not respond.'];

/** @type {Record<string, [title: string, detail: string]>} */
const PROBLEMS = {
  subscription_required: [
    'Subscription required',
    'This account has no active subscription. Subscribe, then try again.',
  ],
  forbidden: ['Not allowed', 'This account may not watch this film.'],
  movie_not_found: ['Film not found', 'The film does not exist, or not in this format.'],
  stream_limit_reached: [
    'Too many streams',
    'This account has reached its limit of devices. Stop one of them, or watch here instead.',
  ],
  session_ended: [
    'Playing on another device',
    'Another device of this account took over. You can continue here instead.',
  ],
  token_missing: ['Please sign in', SIGN_IN],
  token_invalid: ['Please sign in again', `The access token is not valid. ${SIGN_IN}`],
  token_expired: ['Please sign in again', `The access token has expired. ${SIGN_IN}`],
  invalid_request: ['The request is not valid', 'A film id is a UUID.'],
  entitlement_unavailable: [
    'The subscription cannot be checked',
    'The subscription service does not respond.',
  ],
  storage_unavailable: UNAVAILABLE,
  database_unavailable: UNAVAILABLE,
  network_error: ['No connection', 'The service could not be reached. Check the network.'],
  renewal_limit_reached: ['The film stopped', 'It did not play with new links either.'],
  media_error: ['This film cannot be played', 'This browser could not decode it.'],
};

/**
 * Return the description of a problem for viewers.
 * @param {import('./streaming-session.js').StreamingError} error
 * @returns {{title: string, detail: string, code: string}}
 */
export function describe(error) {
  const [title, detail] = PROBLEMS[error.code] ?? [error.title ?? 'Something went wrong', error.detail];
  const wait = error.retryAfter ? ` Try again in ${error.retryAfter} s.` : '';
  const status = error.status ? ` · ${error.status}` : '';
  return { title, detail: `${detail ?? ''}${wait}`, code: `${error.code ?? error.name}${status}` };
}

/**
 * Format seconds as a time: 4:05, 1:02:09.
 * @param {number} seconds
 */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const two = (number) => String(number).padStart(2, '0');
  return hours
    ? `${hours}:${two(minutes)}:${two(whole % 60)}`
    : `${minutes}:${two(whole % 60)}`;
}
