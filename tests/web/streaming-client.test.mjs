import assert from 'node:assert/strict';
import { test } from 'node:test';

import { StreamingClient, StreamingError } from '../../web/streaming-client.js';
import { FakeService, json, MOVIE, problem } from './fakes.mjs';

function clientOf(service, options = {}) {
  return new StreamingClient({
    apiUrl: 'http://api.test/',
    token: 'secret',
    fetch: service.fetch,
    ...options,
  });
}

/** Each failure of the API arrives with the fields of its problem document. */
test('a problem document becomes a typed error', async () => {
  const service = new FakeService();
  service.fail('start', () => problem(429, 'stream_limit_reached', { 'Retry-After': '7' }));

  const error = await clientOf(service).start(MOVIE, 'hls').catch((caught) => caught);

  assert.ok(error instanceof StreamingError);
  const { status, code, title, detail, retryAfter, requestId, retryable } = error;
  assert.deepEqual(
    { status, code, title, detail, retryAfter, requestId, retryable },
    {
      status: 429,
      code: 'stream_limit_reached',
      title: 'About stream_limit_reached',
      detail: 'Because.',
      retryAfter: 7,
      requestId: 'request-1',
      retryable: true,
    },
  );
});

/** Retry-After may be a date or a number. */
test('Retry-After may be a date', async () => {
  const service = new FakeService();
  const date = new Date(Date.now() + 30_000).toUTCString();
  service.fail('start', () => problem(503, 'database_unavailable', { 'Retry-After': date }));

  const error = await clientOf(service).start(MOVIE, 'hls').catch((caught) => caught);

  assert.ok(error.retryAfter >= 28 && error.retryAfter <= 30, String(error.retryAfter));
});

/** API Gateway's own 401 is not a problem document, and means that a token is missing. */
test('a refusal of API Gateway itself is recognized', async () => {
  const service = new FakeService();
  service.fail('start', () => json(401, { message: 'Unauthorized' }));

  const error = await clientOf(service).start(MOVIE, 'hls').catch((caught) => caught);

  assert.equal(error.code, 'token_missing');
  assert.equal(error.title, 'Unauthorized');
});

/** A proxy's page instead of a response is an error, also with status 200. */
test('HTML instead of JSON is an error', async () => {
  const service = new FakeService();
  service.fail('start', () => new Response('<h1>Welcome to the Wi-Fi</h1>', { status: 200 }));

  const error = await clientOf(service).start(MOVIE, 'hls').catch((caught) => caught);

  assert.equal(error.code, 'http_error');
});

/** Without a response the status is 0, and a retry is possible. */
test('a broken connection is distinguished from a refusal', async () => {
  const service = new FakeService();
  service.disconnect('start');

  const error = await clientOf(service).start(MOVIE, 'hls').catch((caught) => caught);

  assert.deepEqual([error.status, error.code, error.retryable], [0, 'network_error', true]);
});

/** Ages are in the API's format: in milliseconds, never negative. */
test('a report may contain its age', async () => {
  const service = new FakeService();
  for (const ageSeconds of [1.23456, -1, 1e9]) {
    await clientOf(service).progress(MOVIE, { positionSeconds: 1, ageSeconds });
  }

  assert.deepEqual(
    service.of('progress').map(({ body }) => body.age_seconds),
    [1.235, 0, 2_592_000],
  );
});

/** A response without a body is a success. */
test('a film is removed from continue watching', async () => {
  const service = new FakeService();
  service.failures.push({ action: 'progress', response: () => new Response(null, { status: 204 }) });

  assert.equal(await clientOf(service).remove(MOVIE), undefined);

  assert.equal(service.of('progress')[0].method, 'DELETE');
});

/** The API accepts only whole seconds. */
test('positions are sent as whole seconds', async () => {
  const service = new FakeService();

  await clientOf(service).progress(MOVIE, { positionSeconds: 12.9 });

  assert.deepEqual(service.of('progress')[0].body, { position_seconds: 12 });
});

/** A token that is renewed while a film plays is used from the next call on. */
test('a token provider is called before each request', async () => {
  const service = new FakeService();
  const tokens = ['first', 'second'];
  const client = clientOf(service, { token: async () => tokens.shift() });

  await client.start(MOVIE, 'hls');
  await client.progress(MOVIE, { positionSeconds: 1 });

  assert.deepEqual(
    service.requests.map(({ headers }) => headers.Authorization),
    ['Bearer first', 'Bearer second'],
  );
});

/** A page that is closed runs no more code: its last request is sent before the handler returns. */
test('a keepalive request is sent within the same task', async () => {
  const service = new FakeService();
  const client = clientOf(service, { token: async () => 'fresh' });
  await client.start(MOVIE, 'hls');

  const stopped = client.stop(MOVIE, { positionSeconds: 5 }, { keepalive: true });

  assert.equal(service.of('stop').length, 1);
  assert.equal(service.of('stop')[0].keepalive, true);
  assert.equal(service.of('stop')[0].headers.Authorization, 'Bearer fresh');
  await stopped;
});

/** The log contains each call with its result, including failures. */
test('each call is logged', async () => {
  const service = new FakeService();
  const calls = [];
  const client = clientOf(service, { onCall: (call) => calls.push(call) });
  service.fail('progress', () => problem(404, 'session_not_found'));

  await client.start(MOVIE, 'dash');
  await client.progress(MOVIE, { positionSeconds: 1 }).catch(() => {});

  assert.deepEqual(
    calls.map(({ method, path, status, code }) => [method, path, status, code]),
    [
      ['POST', `/api/v1/stream/${MOVIE}`, 200, null],
      ['POST', `/api/v1/stream/${MOVIE}/progress`, 404, 'session_not_found'],
    ],
  );
});
