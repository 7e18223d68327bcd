import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';

import { PlayerFailure } from '../../web/players/player.js';
import { resumePosition, StreamingSession } from '../../web/streaming-session.js';
import { FakePlayer, FakeService, FakeVideo, json, MOVIE, problem, settle } from './fakes.mjs';

let service;
let video;
let player;
let page;
let told;
/** The milliseconds of a clock that tests set. */
let now;

function sessionWith(options = {}) {
  const session = new StreamingSession({
    token: 'secret',
    video,
    player,
    fetch: service.fetch,
    page,
    now: () => now,
    ...options,
  });
  for (const type of ['saved', 'trouble', 'renewed', 'failed']) {
    session.addEventListener(type, ({ detail }) => told.push([type, detail]));
  }
  return session;
}

const toldOf = (type) => told.filter(([one]) => one === type).map(([, detail]) => detail);
const reports = (action) => service.of(action).map(({ body }) => body);
const expired = () => new PlayerFailure('forbidden', 'The storage answered 403');

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ['setInterval', 'setTimeout'] });
  service = new FakeService();
  video = new FakeVideo();
  player = new FakePlayer(video);
  page = new EventTarget();
  told = [];
  now = 5000;
});

/** A start requests the format, loads the returned URL, and plays. */
test('start plays the film', async () => {
  const session = sessionWith();

  await session.start(MOVIE, { manifestType: 'dash' });

  assert.deepEqual(reports('start'), [{ manifest_type: 'dash' }]);
  assert.equal(player.loads[0].url, 'http://s3.test/1/index.m3u8?X-Amz-Signature=1');
  assert.equal(session.state, 'playing');
  assert.equal(session.sessionId, 'session-1');
});

/** A film resumes at its saved position. */
test('start resumes at the saved position', async () => {
  service.resume.resume_position_seconds = 30;

  await sessionWith().start(MOVIE);

  assert.equal(player.loads[0].positionSeconds, 30);
});

/** A completed film starts at the beginning. */
test('a film watched to its end starts over', () => {
  const answer = { resume_position_seconds: 53, duration_seconds: 60, completed: false };

  assert.equal(resumePosition(answer), 53);
  assert.equal(resumePosition({ ...answer, resume_position_seconds: 54 }), 0);
  assert.equal(resumePosition({ ...answer, completed: true }), 0);
  assert.equal(resumePosition({ ...answer, duration_seconds: null }), 53);
});

/** While a film plays its position is saved every ten seconds, in numbered reports. */
test('heartbeats carry the session and an increasing sequence', async () => {
  await sessionWith().start(MOVIE);

  for (const position of [10, 20, 30]) {
    video.currentTime = position;
    video.tell('timeupdate');
    mock.timers.tick(10_000);
    await settle();
  }

  assert.deepEqual(reports('progress'), [
    { position_seconds: 10, session_id: 'session-1', sequence: 1, age_seconds: 0 },
    { position_seconds: 20, session_id: 'session-1', sequence: 2, age_seconds: 0 },
    { position_seconds: 30, session_id: 'session-1', sequence: 3, age_seconds: 0 },
  ]);
});

/** A pause is reported once, without further reports. */
test('a pause is reported and ends the heartbeats', async () => {
  await sessionWith().start(MOVIE);
  video.watch(4);

  video.pause();
  mock.timers.tick(60_000);
  await settle();

  assert.deepEqual(
    reports('progress').map((report) => report.position_seconds),
    [4],
  );
});

/** The position of a paused film is as old as the pause, so later positions take precedence. */
test('a stop after a pause contains the age of the position', async () => {
  const session = sessionWith();
  await session.start(MOVIE);
  video.watch(4);
  video.pause();
  await settle();

  now += 90_500;
  video.tell('timeupdate');
  await session.stop();

  assert.deepEqual(
    [...reports('progress'), ...reports('stop')].map((report) => report.age_seconds),
    [0, 90.5],
  );
});

/** Several seeks cause one report, of the final position. */
test('seeks are reported once they settle', async () => {
  await sessionWith().start(MOVIE);

  for (const position of [10, 20, 45]) video.seek(position);
  mock.timers.tick(1000);
  await settle();

  assert.deepEqual(
    reports('progress').map((report) => report.position_seconds),
    [45],
  );
});

/** When a page is closed, it sends a request that outlives it. */
test('pagehide stops the session with keepalive', async () => {
  const session = sessionWith();
  await session.start(MOVIE);
  video.watch(7);

  page.dispatchEvent(new Event('pagehide'));

  const [stop] = service.of('stop');
  assert.equal(stop.keepalive, true);
  assert.deepEqual(stop.body, {
    position_seconds: 7,
    session_id: 'session-1',
    sequence: 1,
    age_seconds: 0,
  });
  assert.equal(session.sessionId, null);
});

/** A page closed before the player reached the saved position must not save 0 instead. */
test('leaving while loading keeps the saved position', async () => {
  service.resume.resume_position_seconds = 30;
  player.load = () => new Promise(() => {});
  const session = sessionWith();
  session.start(MOVIE);
  await settle();
  video.tell('timeupdate');

  page.dispatchEvent(new Event('pagehide'));

  assert.equal(reports('stop')[0].position_seconds, 30);
});

/** A page from the back/forward cache gets a new session and URL. */
test('pageshow from the cache starts again at the position', async () => {
  const session = sessionWith();
  await session.start(MOVIE);
  video.watch(7);
  page.dispatchEvent(new Event('pagehide'));

  page.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true }));
  await settle();

  assert.equal(session.sessionId, 'session-2');
  assert.equal(player.loads[1].positionSeconds, 7);
  assert.equal(session.state, 'playing');
});

/** An expired URL causes only a new start at the position. */
test('a refused URL is renewed at the position', async () => {
  const session = sessionWith();
  await session.start(MOVIE);
  video.watch(12);

  player.onfailure(expired());
  await settle();

  assert.equal(reports('stop')[0].position_seconds, 12);
  assert.deepEqual(player.loads[1], {
    url: 'http://s3.test/2/index.m3u8?X-Amz-Signature=1',
    positionSeconds: 12,
  });
  assert.equal(session.state, 'playing');
  assert.deepEqual(toldOf('renewed'), [{ positionSeconds: 12 }]);
});

/** The buffer is played before a new request. */
test('a renewal waits until the buffer is nearly empty', async () => {
  await sessionWith().start(MOVIE);
  video.bufferedSeconds = 20;

  player.onfailure(expired());
  await settle();
  assert.equal(player.loads.length, 1);

  video.bufferedSeconds = 2;
  video.watch(0.25);
  await settle();
  assert.equal(player.loads.length, 2);
});

/** A permanent refusal ends in an error, not in an endless loop of starts. */
test('the number of renewals in a row is limited', async () => {
  const session = sessionWith({ maxRenewals: 3 });
  await session.start(MOVIE);
  player.refusals = [expired(), expired(), expired(), expired(), expired()];

  player.onfailure(expired());
  await settle();

  assert.equal(service.of('start').length, 4);
  assert.equal(session.state, 'failed');
  assert.deepEqual(
    toldOf('failed').map((error) => error.code),
    ['renewal_limit_reached'],
  );
  assert.equal(service.of('stop').length, 4);
});

/** The number of renewals is not limited while the film plays in between. */
test('playback resets the budget of renewals', async () => {
  const session = sessionWith({ maxRenewals: 2 });
  await session.start(MOVIE);

  for (let renewal = 0; renewal < 6; renewal += 1) {
    player.onfailure(expired());
    await settle();
    video.watch(3);
  }

  assert.equal(service.of('start').length, 7);
  assert.equal(session.state, 'playing');
});

/** Playback of the old buffer during a slow renewal does not prove that the new URLs work. */
test('playback of the old buffer does not reset the budget of renewals', async () => {
  const session = sessionWith({ maxRenewals: 2 });
  await session.start(MOVIE);

  for (let renewal = 0; renewal < 3; renewal += 1) {
    service.fail('start', () => {
      video.watch(3);
      return json(200, { manifest_url: 'http://s3.test/a.m3u8', session_id: 'a', ...service.resume });
    });
    player.onfailure(expired());
    await settle();
  }

  assert.equal(session.state, 'failed');
});

/** Seeking is not playback: it does not reset the budget. */
test('seeking does not reset the budget of renewals', async () => {
  const session = sessionWith({ maxRenewals: 2 });
  await session.start(MOVIE);

  for (const position of [10, 20, 30]) {
    player.onfailure(expired());
    await settle();
    video.currentTime = position;
    video.tell('timeupdate');
  }

  assert.equal(session.state, 'failed');
});

/** If the subscription has ended, a renewal reports this. */
test('a refused renewal fails with the reason', async () => {
  const session = sessionWith();
  await session.start(MOVIE);
  service.fail('start', () => problem(403, 'subscription_required'));

  player.onfailure(expired());
  await settle();

  assert.equal(session.state, 'failed');
  assert.equal(toldOf('failed')[0].code, 'subscription_required');
});

/** A page may renew before a failure. */
test('the hook renews proactively', async () => {
  const questions = [];
  const shouldRenew = (question) => questions.push(question) === 2;
  await sessionWith({ shouldRenew }).start(MOVIE);

  mock.timers.tick(10_000);
  await settle();

  assert.deepEqual(
    questions.map(({ moment }) => moment).slice(0, 2),
    ['play', 'heartbeat'],
  );
  assert.ok(questions[0].expiresAt instanceof Date);
  assert.equal(player.loads.length, 2);
});

/** A refused start throws, and leaves nothing running. */
test('a refused start throws', async () => {
  const session = sessionWith();
  service.fail('start', () => problem(404, 'movie_not_found'));

  await assert.rejects(session.start(MOVIE), { code: 'movie_not_found' });

  mock.timers.tick(60_000);
  assert.equal(session.state, 'failed');
  assert.equal(service.requests.length, 1);
});

/** A failed report is dispatched as an event and repeated; the film keeps playing. */
test('network failures do not stop the film', async () => {
  const session = sessionWith();
  await session.start(MOVIE);
  service.disconnect('progress');

  mock.timers.tick(10_000);
  await settle();
  assert.equal(toldOf('trouble')[0].code, 'network_error');
  assert.equal(session.state, 'playing');

  mock.timers.tick(10_000);
  await settle();
  assert.equal(toldOf('saved').length, 1);
});

/** The session waits as long as the service requests. */
test('Retry-After delays the reports', async () => {
  mock.timers.reset();
  mock.timers.enable({ apis: ['setInterval', 'setTimeout', 'Date'] });
  await sessionWith().start(MOVIE);
  service.fail('progress', () => problem(503, 'database_unavailable', { 'Retry-After': '15' }));

  for (const expectedReports of [1, 1, 2]) {
    mock.timers.tick(10_000);
    await settle();
    assert.equal(service.of('progress').length, expectedReports);
  }
});

/** A session that the service has ended is replaced without an interruption. */
test('a lost session is replaced by a new one', async () => {
  const session = sessionWith();
  await session.start(MOVIE);
  service.fail('progress', () => problem(404, 'session_not_found'));

  mock.timers.tick(10_000);
  await settle();

  assert.equal(session.sessionId, 'session-2');
  assert.equal(player.loads.length, 1);
  assert.deepEqual(reports('progress')[1].session_id, 'session-2');
});

/** The end of a film sends a stop with the end position. */
test('the end is saved', async () => {
  const session = sessionWith();
  await session.start(MOVIE);

  video.finish();
  await settle();

  assert.equal(session.state, 'ended');
  assert.equal(reports('stop')[0].position_seconds, 60);
  assert.equal(service.of('progress').length, 0);
});

/** Some players pause at the end, and the element never fires ended. */
test('a pause at the end counts as the end', async () => {
  const session = sessionWith();
  await session.start(MOVIE);

  video.currentTime = 59.9;
  video.pause();
  await settle();

  assert.equal(session.state, 'ended');
  assert.equal(reports('stop')[0].position_seconds, 60);
  assert.equal(service.of('progress').length, 0);
});

/** Playback after the end opens a new session. */
test('playing after the end opens a session', async () => {
  const session = sessionWith();
  await session.start(MOVIE);
  video.finish();
  await settle();

  video.ended = false;
  video.currentTime = 0;
  await video.play();
  await settle();

  assert.equal(session.sessionId, 'session-2');
  assert.equal(session.state, 'playing');
});

/** A second start ends the first session, whatever requests are pending. */
test('a start that is superseded leaves no open session', async () => {
  const session = sessionWith();

  await Promise.all([session.start(MOVIE), session.start(MOVIE)]);
  await settle();

  const started = service.of('start').length;
  assert.equal(service.of('stop').length, started - 1);
  assert.equal(session.state, 'playing');
});

/** A session is stopped once, by the first trigger. */
test('stop is sent once', async () => {
  const session = sessionWith();
  await session.start(MOVIE);

  const answers = await Promise.all([session.stop(), session.stop(), session.close()]);

  assert.equal(service.of('stop').length, 1);
  assert.deepEqual(answers, [true, false, false]);
});

/** Each start has a unique key. */
test('starts and renewals have different keys', async () => {
  const session = sessionWith();
  await session.start(MOVIE);
  await session.renew();

  const keys = service.of('start').map(({ key }) => key);
  assert.equal(keys.length, 2);
  assert.equal(new Set(keys).size, 2);
  for (const key of keys) assert.match(key, /^[!-~]{16,255}$/);
});

/** A start whose response was lost is repeated with its key, so that it opens one session. */
test('a lost response opens no second session', async () => {
  const session = sessionWith();
  service.disconnect('start');

  await session.start(MOVIE);

  const [lost, repeated] = service.of('start');
  assert.equal(lost.key, repeated.key);
  assert.equal(session.state, 'playing');
});

/** A network failure is reported, and the page may repeat the same start later. */
test('a page may repeat a start by its key', async () => {
  const session = sessionWith();
  service.disconnect('start');
  service.disconnect('start');
  await assert.rejects(session.start(MOVIE, { key: 'one-key' }), { code: 'network_error' });

  await session.start(MOVIE, { key: 'one-key' });

  assert.deepEqual(service.of('start').map(({ key }) => key), ['one-key', 'one-key', 'one-key']);
});

/** While the service still processes the first attempt, the second one waits as requested. */
test('a start that is still running is waited for', async () => {
  const session = sessionWith();
  service.disconnect('start');
  service.fail('start', () => problem(409, 'request_in_progress', { 'Retry-After': '1' }));

  const starting = session.start(MOVIE);
  await settle();
  assert.equal(service.of('start').length, 2);
  mock.timers.tick(1000);
  await starting;

  assert.equal(new Set(service.of('start').map(({ key }) => key)).size, 1);
  assert.equal(session.state, 'playing');
});

/** A key repeated too late belongs to an ended session: a new start gets another key. */
test('a start whose session has ended is replaced by a new start', async () => {
  const session = sessionWith();
  service.disconnect('start');
  service.fail('start', () => problem(409, 'session_ended'));

  await session.start(MOVIE, { takeOver: true });

  const [first, second, third] = service.of('start');
  assert.equal(first.key, second.key);
  assert.notEqual(second.key, third.key);
  assert.deepEqual(reports('start').map((body) => body.take_over), [true, true, true]);
  assert.equal(session.state, 'playing');
});

/** If the service responds the same to a new key, the session gives up. */
test('a start is replaced once', async () => {
  const session = sessionWith();
  for (let tries = 0; tries < 2; tries += 1) {
    service.fail('start', () => problem(409, 'session_ended'));
  }

  const error = await session.start(MOVIE).catch((caught) => caught);

  assert.equal(error.code, 'session_ended');
  assert.equal(service.of('start').length, 2);
});

/** A refusal lists the running streams, and the next start may take over. */
test('a start above the stream limit can take over', async () => {
  const session = sessionWith();
  const sessions = [{ session_id: 'other', movie_id: MOVIE }];
  service.fail('start', () => problem(429, 'stream_limit_reached', {}, { sessions }));

  const error = await session.start(MOVIE).catch((caught) => caught);
  await session.start(MOVIE, { takeOver: true });

  assert.deepEqual(error.sessions, sessions);
  assert.deepEqual(reports('start').map((body) => body.take_over), [undefined, true]);
  assert.equal(session.state, 'playing');
});

/** After a take-over the player pauses and fails; it sends no stop, report or start. */
test('a session that was taken over stops the film', async () => {
  const session = sessionWith();
  await session.start(MOVIE);
  service.taken.add('session-1');

  mock.timers.tick(10_000);
  await settle();
  mock.timers.tick(60_000);
  await settle();

  assert.equal(session.state, 'failed');
  assert.equal(video.paused, true);
  assert.deepEqual(toldOf('failed').map(({ code }) => code), ['session_ended']);
  assert.deepEqual([service.of('progress').length, service.of('stop').length], [1, 0]);
  assert.equal(service.of('start').length, 1);
});

/** Its signed URLs are still valid, but pressing play on the element does not use them. */
test('a film whose session was taken over does not continue', async () => {
  const session = sessionWith();
  await session.start(MOVIE);
  service.taken.add('session-1');
  mock.timers.tick(10_000);
  await settle();

  await video.play();
  assert.equal(video.paused, true);

  await session.start(MOVIE, { takeOver: true });
  assert.equal(session.state, 'playing');
});

/** The result of a stop on its own session is not reported. */
test('a report that overlaps the stop dispatches nothing', async () => {
  const session = sessionWith();
  await session.start(MOVIE);
  service.taken.add('session-1');

  mock.timers.tick(10_000);
  await session.stop();
  await settle();

  assert.deepEqual(toldOf('failed'), []);
  assert.equal(session.state, 'stopped');
});

/** A stalled film without an error is nudged, and nothing more if that helps. */
test('a stalled film is nudged', async () => {
  const session = sessionWith({ stallSeconds: 8 });
  await session.start(MOVIE);
  video.watch(5);

  mock.timers.tick(9_000);
  await settle();
  const nudged = video.currentTime;
  video.watch(3);
  mock.timers.tick(7_000);
  await settle();

  assert.equal(nudged, 5.1);
  assert.equal(player.loads.length, 1);
  assert.equal(session.state, 'playing');
});

/** If the nudge does not help, a new URL is loaded; finally a failure is reported. */
test('a film that stays stalled is renewed, and then reported', async () => {
  const session = sessionWith({ stallSeconds: 8 });
  await session.start(MOVIE);
  video.watch(5);

  for (let second = 0; second < 17; second += 1) {
    mock.timers.tick(1000);
    await settle();
  }
  const renewals = toldOf('renewed').map(({ positionSeconds }) => Math.round(positionSeconds));
  for (let second = 0; second < 120; second += 1) {
    mock.timers.tick(1000);
    await settle();
  }

  assert.deepEqual(renewals, [5]);
  assert.deepEqual(toldOf('failed').map(({ code }) => code), ['renewal_limit_reached']);
  assert.equal(session.state, 'failed');
});

/** A viewer's pause, and a growing buffer, are not stalls. */
test('expected waits are not treated as stalls', async () => {
  const session = sessionWith({ stallSeconds: 8 });
  await session.start(MOVIE);
  for (let second = 0; second < 60; second += 1) {
    video.bufferedSeconds += 0.5;
    mock.timers.tick(1000);
  }
  video.pause();
  mock.timers.tick(60_000);
  await settle();

  assert.equal(video.currentTime, 0);
  assert.equal(player.loads.length, 1);
  assert.deepEqual(toldOf('failed'), []);
});

/** A load without progress or error is treated as a failed one. */
test('a load that hangs is renewed', async () => {
  const session = sessionWith({ stallSeconds: 8 });
  player.hangs = 1;
  const started = session.start(MOVIE);
  for (let second = 0; second < 20; second += 1) {
    mock.timers.tick(1000);
    await settle();
  }
  await started;

  assert.equal(player.loads.length, 2);
  assert.equal(session.state, 'playing');
});
