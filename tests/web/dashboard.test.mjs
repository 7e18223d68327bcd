import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import { monthStarts, niceTop } from '../../web/dashboard/axis.js';
import { drawHeatmap, mostRewatched } from '../../web/dashboard/heatmap.js';
import { age, duration, MEASURES, percent, whole } from '../../web/dashboard/measures.js';
import { ReportError, Reports, utcDay } from '../../web/dashboard/reports.js';

const originalFetch = globalThis.fetch;

afterEach(() => {
  globalThis.fetch = originalFetch;
});

/** Let the next requests get a response; returns the requests. */
function answer(body, options = {}) {
  const requests = [];
  globalThis.fetch = async (url, request) => {
    requests.push({ url, ...request });
    return new Response(body, options);
  };
  return requests;
}

/** The most rewatched part is where plays exceed the audience most, not where most people are. */
test('the beginning, which everybody sees, is not the most rewatched part', () => {
  const found = mostRewatched([1, 0.8, 0.5, 0.4], [1.05, 0.8, 0.9, 0.4]);

  assert.deepEqual(found, { hundredth: 2, times: 1.8 });
});

/** Without repeated plays there is no such part. */
test('a film that nobody rewatched has no most rewatched part', () => {
  assert.equal(mostRewatched([1, 0.5], [1, 0.5]), null);
  assert.equal(mostRewatched([0, 0], [0, 0]), null);
});

/** The bar is brightest at the most played hundredth, and has a colour for each one. */
test('the heatmap has a colour for each hundredth', () => {
  const host = { style: {} };

  drawHeatmap(host, [1, 0.5, 0]);

  const shares = [...host.style.backgroundImage.matchAll(/var\(--live\) ([\d.]+)%/g)];
  assert.deepEqual(shares.map(([, share]) => Number(share)), [100, 17.8, 6]);
});

/** Equal values have one colour, and no values have none. */
test('the heatmap of equal values, and of none', () => {
  const [equal, none] = [{ style: {} }, { style: {} }];

  drawHeatmap(equal, [2, 2]);
  drawHeatmap(none, []);

  assert.equal(equal.style.backgroundImage.match(/50\.0%/g).length, 2);
  assert.equal(none.style.backgroundImage, 'none');
});

/** An axis ends at a round number that is not below its greatest value. */
test('the top of an axis', () => {
  assert.deepEqual([1, 7, 20, 21, 99, 203, 1000, 12_001, 0.1].map(niceTop), [1, 8, 20, 25, 100, 250, 1000, 15_000, 0.1]);
});

/** The ticks of a year are first days of months, and no more than there is space for. */
test('the ticks of a year', () => {
  const at = (day) => Date.parse(day) / 1000;
  const ticks = (most) => monthStarts(at('2025-11-29'), at('2026-11-28'), most)
    .map((tick) => new Date(tick * 1000).toISOString().slice(0, 10));

  assert.equal(ticks(12).length, 12);
  assert.deepEqual(ticks(4), ['2025-12-01', '2026-03-01', '2026-06-01', '2026-09-01']);
});

/** Durations and ages have the unit that a reader expects. */
test('durations and ages', () => {
  const hour = 3_600_000;

  assert.deepEqual(
    [duration(0), duration(45_000), duration(12 * 60_000), duration(3.44 * hour), duration(12_345 * hour)],
    ['0 s', '45 s', '12 min', '3.4 h', '12,345 h'],
  );
  assert.deepEqual([age(-5), age(12_000), age(300_000), age(3 * hour)], ['0 s', '12 s', '5 min', '3 h']);
  assert.deepEqual([percent(61.27), whole(1234)], ['61.3 %', '1,234']);
});

/** A rate from 0 to 1 is shown in per cent. */
test('the completion rate is a percentage', () => {
  assert.equal(MEASURES.completion_rate.text({ completion_rate: 0.4135 }), '41.4 %');
});

/** Days are those of UTC, whatever the time zone of the browser. */
test('days of UTC', () => {
  const midnight = Date.parse('2026-03-01T00:00:00Z');

  assert.equal(utcDay(0, midnight), '2026-03-01');
  assert.equal(utcDay(1, midnight), '2026-02-28');
});

/** A report is requested with the token, and its query is escaped. */
test('a report is requested', async () => {
  const requests = answer('{"count": 0}', { headers: { date: 'Sat, 28 Nov 2026 12:00:00 GMT' } });
  const reports = new Reports(() => 'secret');

  const body = await reports.movies({ sort: 'views', from: '2026-11-01' });

  assert.deepEqual(body, { count: 0 });
  assert.equal(requests[0].url, '/api/v1/analytics/movies?sort=views&from=2026-11-01');
  assert.equal(requests[0].headers.Authorization, 'Bearer secret');
  assert.equal(reports.serverTime, Date.parse('2026-11-28T12:00:00Z'));
});

/** The service's problem, the gateway's own error and a lost connection are errors with a status. */
test('failures are typed', async () => {
  const failed = () => new Reports(() => '').overview({}).catch((error) => error);
  const seen = ({ status, code, message, retryAfter }) => [status, code, message, retryAfter];

  answer('{"code": "database_unavailable", "title": "Away"}', { status: 503, headers: { 'retry-after': '7' } });
  const problem = await failed();
  answer('{"message": "Service Unavailable"}', { status: 503 });
  const gateway = await failed();
  globalThis.fetch = async () => {
    throw new TypeError('failed to fetch');
  };
  const lost = await failed();

  assert.ok(problem instanceof ReportError);
  assert.deepEqual(seen(problem), [503, 'database_unavailable', 'Away', 7]);
  assert.deepEqual(seen(gateway), [503, 'http_503', 'Service Unavailable', null]);
  assert.deepEqual(seen(lost), [0, 'network_error', 'The service does not respond', null]);
});

/** The file has the name that the service gives. */
test('a CSV file has the name of the response', async () => {
  const requests = answer('day,views\n', {
    headers: { 'content-disposition': 'attachment; filename="overview.csv"' },
  });

  const { name, blob } = await new Reports(() => '').csv('/overview', {});

  assert.equal(name, 'overview.csv');
  assert.equal(await blob.text(), 'day,views\n');
  assert.equal(requests[0].headers.Accept, 'text/csv');
});
