/**
 * The demo player page: choose a film, play it, resume it.
 *
 * Playback is implemented in `streaming-session.js`, which other pages import as well. This module
 * connects it to the elements of this page.
 *
 * @module player
 */

import { clock, describe, STATES } from './messages.js';
import { byId, drawContinueWatching, drawFacts, logCall } from './panels.js';
import { connectSeekBar, showHeatmap } from './seek-bar.js';
import { newKey, StreamingClient, StreamingSession } from './streaming-session.js';

const TOAST_MILLISECONDS = 8000;
const OTHER_FILM = '';

const video = /** @type {HTMLVideoElement} */ (byId('video'));
const form = /** @type {HTMLFormElement} */ (byId('choose'));
const film = /** @type {HTMLSelectElement} */ (byId('film'));
const movieIdInput = /** @type {HTMLInputElement} */ (byId('movie-id'));
const tokenInput = /** @type {HTMLTextAreaElement} */ (byId('token'));
const playButton = /** @type {HTMLButtonElement} */ (byId('play'));
const stopButton = /** @type {HTMLButtonElement} */ (byId('stop'));

/**
 * @type {{films: {movie_id: string, title: string, manifest_types: string[]}[], token: string,
 *   admin_token?: string}}
 */
let demo = { films: [], token: '' };
/** @type {StreamingSession|null} */
let session = null;
let toastTimer = 0;
/** The error in the notice. @type {import('./streaming-session.js').StreamingError|null} */
let noticed = null;
/** The key of a start without a response: repeating it may return its session. */
let unansweredKey = '';
/** The saved position of each started film. @type {Map<string, number>} */
let leftAt = new Map();

const token = () => tokenInput.value.trim() || demo.token;
const client = new StreamingClient({ token, onCall: logCall });
const movieId = () => (film.value === OTHER_FILM ? movieIdInput.value.trim() : film.value);
const format = () => /** @type {'hls'|'dash'} */ (form.elements.namedItem('format').value);
const titleOf = (id) => demo.films.find((one) => one.movie_id === id)?.title ?? `Film ${id}`;

/** Players are loaded on demand: for HLS, dash.js is never fetched. */
const PLAYERS = {
  async hls() {
    const [{ default: Hls }, { HlsPlayer }, { NativePlayer }] = await Promise.all([
      import('./vendor/hls.js/hls.min.mjs'),
      import('./players/hls.js'),
      import('./players/native.js'),
    ]);
    if (!Hls.isSupported() && NativePlayer.playsHls(video)) return new NativePlayer(video);
    const workerPath = new URL('./vendor/hls.js/hls.worker.js', import.meta.url).href;
    return new HlsPlayer(Hls, video, { workerPath });
  },
  async dash() {
    const [{ MediaPlayer }, { DashPlayer }] = await Promise.all([
      import('./vendor/dash.js/dash.mediaplayer.min.js'),
      import('./players/dash.js'),
    ]);
    return new DashPlayer(MediaPlayer, video);
  },
};

/**
 * @param {object} [options]
 * @param {number} [options.positionSeconds]  Start here instead of at the saved position.
 * @param {boolean} [options.takeOver]  End the oldest stream if the limit is reached.
 * @param {string} [options.key]  The key of a start that this one repeats.
 */
async function play({ positionSeconds, takeOver = false, key = newKey() } = {}) {
  hideNotice();
  unansweredKey = '';
  drawState('starting');
  try {
    await session?.close();
    session = new StreamingSession({
      token,
      video,
      player: await PLAYERS[format()](),
      onCall: logCall,
    });
    follow(session);
    await session.start(movieId(), { manifestType: format(), positionSeconds, takeOver, key });
    if (session.resumedFromSeconds > 0 && positionSeconds === undefined) offerStartOver();
  } catch (error) {
    if (error.code === 'network_error' && !takeOver) unansweredKey = key;
    showNotice(error);
  }
}

/** @param {StreamingSession} current */
function follow(current) {
  const on = (type, handle) =>
    current.addEventListener(type, ({ detail }) => {
      if (current === session) handle(detail);
    });
  on('state', (state) => {
    drawState(state);
    drawFacts(current);
  });
  on('saved', () => {
    // During playback only the entry of this film changes, and its position is visible already.
    if (current.state !== 'playing') refreshContinueWatching();
    drawFacts(current);
    drawState(current.state);
  });
  on('trouble', (error) => {
    byId('dot').dataset.state = 'trouble';
    const { title } = describe(error);
    byId('status-text').textContent = `${STATES[current.state]} · position not saved: ${title}`;
    drawFacts(current);
  });
  on('renewed', () => drawFacts(current));
  on('failed', showNotice);
}

function drawState(state) {
  const idle = state === 'idle' || state === 'stopped' || state === 'ended' || state === 'starting';
  byId('dot').dataset.state = state;
  byId('status-text').textContent =
    state === 'stopped' && session ? `Stopped at ${clock(session.positionSeconds)}` : STATES[state];
  byId('cover').hidden = !idle;
  drawCoverLine(state);
  byId('play-label').textContent = state === 'ended' ? 'Watch again' : 'Play';
  playButton.setAttribute('aria-busy', String(state === 'starting'));
  playButton.disabled = state === 'starting' || !token();
  stopButton.disabled = !['playing', 'paused', 'renewing'].includes(state);
  if (state === 'stopped' || state === 'ended') hideToast();
}

function drawCoverLine(state) {
  const left = leftAt.get(movieId());
  const idle = left ? `Continue from ${clock(left)}` : 'Play';
  byId('cover-line').textContent = { starting: 'Starting…', ended: 'Watch again' }[state] ?? idle;
}

function showNotice(error) {
  const { title, detail, code } = describe(error);
  byId('notice-title').textContent = title;
  byId('notice-detail').textContent = detail;
  byId('notice-code').textContent = code;
  noticed = error;
  drawSessions(error.sessions ?? []);
  const offersTakeOver = error.code === 'session_ended' || error.code === 'stream_limit_reached';
  byId('take-over').hidden = !offersTakeOver;
  hideToast();
  drawState('failed');
  byId('notice').hidden = false;
  byId(offersTakeOver ? 'take-over' : 'notice-action').focus();
}

/** @param {import('./streaming-client.js').LiveSession[]} sessions */
function drawSessions(sessions) {
  const lines = sessions.map((each) => {
    const since = new Date(each.started_at).toLocaleTimeString([], { timeStyle: 'short' });
    const line = document.createElement('li');
    line.textContent = `${each.movie_id ? titleOf(each.movie_id) : 'A film'}, since ${since}`;
    return line;
  });
  byId('notice-sessions').replaceChildren(...lines);
  byId('notice-sessions').hidden = lines.length === 0;
}

function hideNotice() {
  byId('notice').hidden = true;
}

function offerStartOver() {
  byId('toast-text').textContent = `Resumed at ${clock(session.resumedFromSeconds)}`;
  byId('toast').hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(hideToast, TOAST_MILLISECONDS);
}

function hideToast() {
  byId('toast').hidden = true;
}

function tryAgain() {
  // A film that has not started has no position in this session, so it resumes as usual.
  const began = session?.savedPositionSeconds !== null ? session?.positionSeconds : undefined;
  play({ positionSeconds: began || undefined, key: unansweredKey || undefined });
}

async function refreshContinueWatching() {
  try {
    const { items } = await client.continueWatching();
    leftAt = new Map(items.map((item) => [item.movie_id, item.position_seconds]));
    drawContinueWatching(items, titleOf, continueFilm);
    if (!byId('cover').hidden) drawCoverLine(byId('dot').dataset.state);
  } catch (error) {
    drawContinueWatching([], titleOf, continueFilm);
    byId('continue-empty').textContent = describe(error).title;
  }
}

function continueFilm(id) {
  film.value = demo.films.some((one) => one.movie_id === id) ? id : OTHER_FILM;
  if (film.value === OTHER_FILM) movieIdInput.value = id;
  drawChoice();
  play();
}

function drawChoice() {
  const chosen = demo.films.find((one) => one.movie_id === film.value);
  byId('movie-id-field').hidden = film.value !== OTHER_FILM;
  byId('film-title').textContent = chosen?.title ?? 'Another film';
  const radios = /** @type {RadioNodeList} */ (form.elements.namedItem('format'));
  for (const radio of /** @type {Iterable<HTMLInputElement>} */ (radios)) {
    radio.disabled = chosen ? !chosen.manifest_types.includes(radio.value) : false;
    if (radio.disabled && radio.checked) radios.value = chosen.manifest_types[0];
  }
  sessionStorage.setItem('film', film.value);
  sessionStorage.setItem('movie-id', movieIdInput.value);
  sessionStorage.setItem('format', format());
  sessionStorage.setItem('token', tokenInput.value);
  playButton.disabled = !token() || !movieId();
  showHeatmap(movieId(), demo.admin_token ?? '');
}

/** Handle the choice of another film or format: stop the current session. */
async function chosen() {
  hideNotice();
  await session?.stop();
  drawState('idle');
  drawChoice();
}

async function begin() {
  try {
    const response = await fetch('/local/demo', { cache: 'no-store' });
    if (response.ok) demo = await response.json();
  } catch {
    // Another server has no demo document: a token and a film id are sufficient.
  }
  film.replaceChildren(
    ...demo.films.map((one) => new Option(one.title, one.movie_id)),
    new Option('Another film…', OTHER_FILM),
  );
  const remembered = sessionStorage.getItem('film');
  if ([...film.options].some((option) => option.value === remembered)) film.value = remembered;
  movieIdInput.value = sessionStorage.getItem('movie-id') ?? '';
  tokenInput.value = sessionStorage.getItem('token') ?? '';
  const radios = /** @type {RadioNodeList} */ (form.elements.namedItem('format'));
  radios.value = sessionStorage.getItem('format') ?? 'hls';
  drawState('idle');
  drawChoice();
  if (token()) await refreshContinueWatching();
  else byId('cover-line').textContent = 'Paste an access token below to start';
}

playButton.addEventListener('click', () => play());
stopButton.addEventListener('click', () => session?.stop());
byId('notice-action').addEventListener('click', tryAgain);
// Playback continues at the position of the other player, not at that of this one.
byId('take-over').addEventListener('click', () => play({ takeOver: true }));
byId('start-over').addEventListener('click', () => {
  hideToast();
  video.currentTime = 0;
});
byId('demo-token').addEventListener('click', () => {
  tokenInput.value = '';
  tokenInput.dispatchEvent(new Event('change', { bubbles: true }));
});
form.addEventListener('change', async (event) => {
  await chosen();
  if (event.target === tokenInput && token()) refreshContinueWatching();
});
form.addEventListener('submit', (event) => {
  event.preventDefault();
  play();
});
// A start that failed without a network is repeated as soon as there is one.
addEventListener('online', () => {
  if (session?.state === 'failed' && noticed?.code === 'network_error') tryAgain();
});

connectSeekBar(video);
begin();
