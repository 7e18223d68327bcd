/**
 * The dashboard: signs in, reads the reports, refreshes them, and keeps the last ones in an outage.
 *
 * @module dashboard
 */

import { byId, download } from './elements.js';
import { drawFilm } from './film.js';
import { drawFilms, PAGE_SIZE } from './films.js';
import { drawShares, drawToday, drawTrend } from './glance.js';
import { Live } from './live.js';
import { age, MEASURES, timeOfDay } from './measures.js';
import { ReportError, Reports, utcDay } from './reports.js';

const REFRESH_MS = 30_000;
const TICK_MS = 1000;

const input = (id) => /** @type {HTMLInputElement} */ (byId(id));
const range = /** @type {HTMLFormElement} */ (byId('range'));
const measure = /** @type {HTMLSelectElement} */ (byId('measure'));

/** What /local/demo says: an administrator and titles. Another server has no such document. */
let demo = { admin_token: '', titles: {} };
let token = sessionStorage.getItem('admin-token') ?? '';
const reports = new Reports(() => token);
let live = /** @type {Live|null} */ (null);
const view = { sort: 'views', order: 'desc', offset: 0, chosen: /** @type {string|null} */ (null) };
/** The last complete reports. @type {{at: number, overview: any}|null} */
let last = null;
let nextRefresh = 0;
/** Only the newest load draws: a slow response must not replace a later choice. */
let loads = 0;

const titleOf = (id) => demo.titles[id] ?? `Film ${id}`;
const days = () => ({
  from: utcDay(Number(range.elements.namedItem('days').value) - 1, reports.serverTime),
  to: utcDay(0, reports.serverTime),
});
const ranking = () => ({ ...days(), sort: view.sort, order: view.order });

async function load() {
  const mine = ++loads;
  nextRefresh = Infinity;
  try {
    live ??= new Live();
    const chosen = view.chosen;
    const [overview, films, film] = await Promise.all([
      reports.overview(days()),
      reports.movies({ ...ranking(), limit: PAGE_SIZE, offset: view.offset }),
      chosen ? reports.movie(chosen, days()) : null,
      live.load(reports),
    ]);
    if (mine !== loads) return;
    draw(overview, films, film);
    last = { at: Date.now(), overview };
    byId('stale').hidden = true;
    nextRefresh = Date.now() + REFRESH_MS;
  } catch (error) {
    if (mine === loads) failed(error);
  }
  drawFreshness();
}

function draw(overview, films, film) {
  delete byId('figures').dataset.loading;
  drawToday(overview);
  drawTrend(overview, measure.value);
  drawShares(byId('devices'), overview.devices);
  drawShares(byId('formats'), overview.manifest_types);
  live?.draw();
  drawFilms(films, view, titleOf, { sortBy, choose });
  byId('film').hidden = !film;
  if (film) drawFilm(film, titleOf(film.movie_id));
}

function failed(error) {
  if (!(error instanceof ReportError)) {
    nextRefresh = Date.now() + REFRESH_MS;
    throw error;
  }
  if (error.status === 401) signOut('The token is not valid, or it has expired. Paste a new one.');
  else if (error.status === 403) signOut('This token is not that of an administrator: its role is not “admin”.');
  else {
    const wait = Math.max(5, error.retryAfter ?? REFRESH_MS / 1000);
    nextRefresh = Date.now() + wait * 1000;
    byId('stale').dataset.what = error.code === 'analytics_disabled'
      ? 'Analytics are disabled in this deployment: nothing is counted.'
      : `The reports are not available: ${error.message} (${error.status || 'no response'}).`;
    byId('stale').hidden = false;
  }
}

/** Say how old the figures are, and in an outage since when. */
function drawFreshness() {
  const old = last ? age(Date.now() - last.at) : '';
  byId('freshness').textContent = last ? `Updated ${old} ago` : byId('stale').hidden ? 'Loading…' : 'No figures yet';
  if (byId('stale').hidden) return;
  // A screen reader reads each change, so the age is not one in seconds.
  const coarse = last && Date.now() - last.at < 90_000 ? 'about a minute' : old;
  const kept = last ? ` These figures are ${coarse} old, from ${timeOfDay(last.at)} UTC.` : '';
  const text = `${byId('stale').dataset.what}${kept} The page tries again by itself.`;
  if (byId('stale').textContent !== text) byId('stale').textContent = text;
}

function signOut(problem = '') {
  loads += 1;
  nextRefresh = Infinity;
  token = '';
  last = null;
  live?.clear();
  sessionStorage.removeItem('admin-token');
  byId('figures').hidden = byId('sign-out').hidden = true;
  byId('sign-in').hidden = false;
  byId('sign-in-problem').hidden = !problem;
  byId('sign-in-problem').textContent = problem;
  input('token').value = '';
  input('token').focus();
}

function signIn(given) {
  token = given.trim();
  if (!token) return;
  sessionStorage.setItem('admin-token', token);
  byId('sign-in').hidden = true;
  // The figures of the user before must not appear.
  byId('figures').dataset.loading = '';
  byId('today').replaceChildren();
  byId('today').setAttribute('aria-busy', 'true');
  byId('figures').hidden = byId('sign-out').hidden = false;
  load();
}

function sortBy(name) {
  view.order = view.sort === name && view.order === 'desc' ? 'asc' : 'desc';
  view.sort = name;
  view.offset = 0;
  load();
}

async function choose(id) {
  view.chosen = id;
  history.replaceState(null, '', `#film=${id}`);
  await load();
  byId('film').focus({ preventScroll: true });
  byId('film').scrollIntoView({ block: 'start' });
}

function closeFilm() {
  const id = view.chosen;
  view.chosen = null;
  history.replaceState(null, '', location.pathname);
  byId('film').hidden = true;
  /** @type {HTMLElement|null} */ (byId('films').querySelector(`[data-key="${id}"]`))?.focus();
  load();
}

const FILES = {
  overview: () => ['/overview', days()],
  movies: () => ['/movies', { ...ranking(), limit: 200 }],
  concurrency: () => ['/concurrency', { from: utcDay(1, reports.serverTime), to: utcDay(0, reports.serverTime), step: 'minute' }],
  retention: () => [`/movies/${view.chosen}`, { ...days(), table: 'retention' }],
};

async function downloadCsv(kind) {
  try {
    const { name, blob } = await reports.csv(...FILES[kind]());
    download(name, blob);
    byId('announcement').textContent = `${name} is downloaded`;
  } catch (error) {
    failed(error);
    drawFreshness();
  }
}

async function begin() {
  try {
    const response = await fetch('/local/demo', { cache: 'no-store' });
    if (response.ok) demo = { ...demo, ...(await response.json()) };
  } catch {
    // The figures need a token only.
  }
  byId('demo-admin').hidden = !demo.admin_token;
  measure.replaceChildren(...Object.entries(MEASURES).map(([name, each]) => new Option(each.name, name)));
  view.chosen = /^#film=([0-9a-f-]{36})$/.exec(location.hash)?.[1] ?? null;
  if (token) signIn(token);
  else byId('sign-in').hidden = false;
}

byId('sign-in').addEventListener('submit', (event) => {
  event.preventDefault();
  signIn(input('token').value);
});
byId('demo-admin').addEventListener('click', () => signIn(demo.admin_token));
byId('sign-out').addEventListener('click', () => signOut());
byId('close-film').addEventListener('click', closeFilm);
range.addEventListener('change', () => {
  view.offset = 0;
  load();
});
measure.addEventListener('change', () => last && drawTrend(last.overview, measure.value));
for (const [id, step] of [['previous', -PAGE_SIZE], ['next', PAGE_SIZE]]) {
  byId(id).addEventListener('click', () => {
    view.offset = Math.max(0, view.offset + step);
    load();
  });
}
for (const button of document.querySelectorAll('[data-csv]')) {
  button.addEventListener('click', () => downloadCsv(/** @type {HTMLElement} */ (button).dataset.csv));
}
setInterval(() => {
  drawFreshness();
  if (!document.hidden && token && Date.now() >= nextRefresh) load();
}, TICK_MS);
begin();
