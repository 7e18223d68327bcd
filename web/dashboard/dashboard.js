/**
 * The dashboard: reads the reports, draws them, and refreshes them; connects the controls.
 *
 * @module dashboard
 */

import { byId, download } from './elements.js';
import { drawFilm } from './film.js';
import { drawFilms, PAGE_SIZE } from './films.js';
import { Freshness } from './freshness.js';
import { drawShares, drawToday, drawTrend, drawWaitingTiles } from './glance.js';
import { Live } from './live.js';
import { MEASURES } from './measures.js';
import { ReportError, Reports, utcDay } from './reports.js';
import { SignIn } from './sign-in.js';

const REFRESH_MS = 30_000;
const TICK_MS = 1000;

const range = /** @type {HTMLFormElement} */ (byId('range'));
const measure = /** @type {HTMLSelectElement} */ (byId('measure'));

/** What /local/demo says: an administrator and titles. Another server has no such document. */
let demo = { admin_token: '', titles: {}, films: /** @type {{movie_id: string, title: string}[]} */ ([]) };
const signIn = new SignIn(begin);
const freshness = new Freshness();
const reports = new Reports(() => signIn.token);
let live = /** @type {Live|null} */ (null);
const view = { sort: 'views', order: 'desc', offset: 0, chosen: /** @type {string|null} */ (null) };
/** The report that the trend shows. @type {any} */
let overview = null;
let nextRefresh = 0;
/** Only the newest load draws: a slow response must not replace a later choice. */
let loads = 0;

const titleOf = (id) =>
  demo.titles[id] ?? demo.films.find((film) => film.movie_id === id)?.title ?? `Film ${id}`;
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
    const read = await Promise.all([
      reports.overview(days()),
      reports.movies({ ...ranking(), limit: PAGE_SIZE, offset: view.offset }),
      view.chosen ? reports.movie(view.chosen, days()) : null,
      live.load(reports),
    ]);
    if (mine !== loads) return;
    draw(...read);
    freshness.renewed();
    nextRefresh = Date.now() + REFRESH_MS;
  } catch (error) {
    if (mine === loads) failed(error);
  }
}

function draw(newOverview, films, film) {
  overview = newOverview;
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
  nextRefresh = Date.now() + REFRESH_MS;
  if (!(error instanceof ReportError)) {
    freshness.failed('The page cannot show the reports: it has a defect.');
    throw error;
  }
  if (error.status === 401) signOut('The token is not valid, or it has expired. Paste a new one.');
  else if (error.status === 403) signOut('This token is not that of an administrator: its role is not “admin”.');
  else {
    if (error.retryAfter) nextRefresh = Date.now() + Math.max(5, error.retryAfter) * 1000;
    freshness.failed(error.code === 'analytics_disabled'
      ? 'Analytics are disabled in this deployment: nothing is counted.'
      : `The reports are not available: ${error.message} (${error.status || 'no response'}).`);
  }
}

function begin() {
  // The figures of the user before must not appear.
  byId('figures').dataset.loading = '';
  drawWaitingTiles(byId('today'));
  byId('figures').hidden = false;
  load();
}

function signOut(problem = '') {
  loads += 1;
  nextRefresh = Infinity;
  live?.clear();
  freshness.forget();
  byId('figures').hidden = true;
  signIn.ask(problem);
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
  }
}

async function open() {
  try {
    const response = await fetch('/local/demo', { cache: 'no-store' });
    if (response.ok) demo = { ...demo, ...(await response.json()) };
  } catch {
    // The figures need a token only.
  }
  measure.replaceChildren(...Object.entries(MEASURES).map(([name, each]) => new Option(each.name, name)));
  view.chosen = /^#film=([0-9a-f-]{36})$/.exec(location.hash)?.[1] ?? null;
  signIn.begin(demo.admin_token);
}

byId('sign-out').addEventListener('click', () => signOut());
byId('close-film').addEventListener('click', closeFilm);
range.addEventListener('change', () => {
  view.offset = 0;
  load();
});
measure.addEventListener('change', () => overview && drawTrend(overview, measure.value));
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
  freshness.draw();
  if (!document.hidden && signIn.token && Date.now() >= nextRefresh) load();
}, TICK_MS);
open();
