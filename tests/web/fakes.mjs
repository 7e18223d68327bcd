/** Fakes of the browser's objects: a network, a media element, a player. */

import { Player } from '../../web/players/player.js';

export const MOVIE = '018f6a52-3c1e-7d4b-9a60-5b0c2d7e1f01';

/** A service that responds as the API does and records its requests. */
export class FakeService {
  requests = [];
  /** Responses instead of the usual ones, each used once, by the last part of the path. */
  failures = [];
  resume = { resume_position_seconds: 0, duration_seconds: 60, completed: false };
  /** Sessions that another player has taken over. @type {Set<string>} */
  taken = new Set();
  #sessions = 0;

  fetch = async (url, options) => {
    const { pathname } = new URL(url, 'http://api.test');
    const action = pathname.split('/')[5] ?? 'start';
    const body = options.body ? JSON.parse(options.body) : null;
    this.requests.push({ ...options, action, body, key: options.headers['Idempotency-Key'] });
    const index = this.failures.findIndex((failure) => failure.action === action);
    if (index >= 0) {
      const [{ response, error }] = this.failures.splice(index, 1);
      if (error) throw error;
      return response();
    }
    if (action === 'start') return json(200, this.#start(body));
    return json(200, saved(body, this.taken.has(body?.session_id)));
  };

  fail(action, response) {
    this.failures.push({ action, response });
  }

  disconnect(action) {
    this.failures.push({ action, error: new TypeError('Failed to fetch') });
  }

  of(action) {
    return this.requests.filter((request) => request.action === action);
  }

  #start({ manifest_type: manifestType }) {
    this.#sessions += 1;
    return {
      manifest_url: `http://s3.test/${this.#sessions}/index.m3u8?X-Amz-Signature=1`,
      expires_in: 3600,
      manifest_type: manifestType,
      session_id: `session-${this.#sessions}`,
      ...this.resume,
    };
  }
}

function saved({ position_seconds: position }, sessionEnded) {
  return {
    success: true,
    position_seconds: position,
    message: 'Progress updated successfully',
    session_ended: sessionEnded,
  };
}

export function json(status, body, headers = {}) {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json', ...headers },
  });
}

export function problem(status, code, headers = {}, members = {}) {
  const body = { type: 'about:blank', title: `About ${code}`, status, detail: 'Because.', code };
  return json(status, { ...body, request_id: 'request-1', ...members }, headers);
}

/** A media element that a test controls. */
export class FakeVideo extends EventTarget {
  currentTime = 0;
  duration = 60;
  paused = true;
  ended = false;
  seeking = false;
  playbackRate = 1;
  bufferedSeconds = 0;

  get buffered() {
    const end = this.currentTime + this.bufferedSeconds;
    return { length: 1, start: () => 0, end: () => end };
  }

  async play() {
    this.paused = false;
    this.tell('play');
    this.tell('playing');
  }

  pause() {
    if (this.paused) return;
    this.paused = true;
    this.tell('pause');
  }

  seek(seconds) {
    this.currentTime = seconds;
    this.tell('seeking');
    this.tell('seeked');
  }

  /** Play, with the element's events: in steps of a quarter of a second. */
  watch(seconds) {
    for (let step = 0; step < seconds * 4; step += 1) {
      this.currentTime += 0.25;
      this.tell('timeupdate');
    }
  }

  finish() {
    this.currentTime = this.duration;
    this.ended = true;
    this.paused = true;
    this.tell('timeupdate');
    this.tell('pause');
    this.tell('ended');
  }

  tell(type) {
    this.dispatchEvent(new Event(type));
  }
}

/** A player that shows every URL immediately, or rejects as many as a test configures. */
export class FakePlayer extends Player {
  loads = [];
  refusals = [];
  /** The number of loads that neither show anything nor fail. */
  hangs = 0;

  async load(url, positionSeconds) {
    this.loads.push({ url, positionSeconds });
    const refusal = this.refusals.shift();
    if (refusal) throw refusal;
    if (this.hangs > 0) {
      this.hangs -= 1;
      await super.load(url, positionSeconds);
    }
    this.video.currentTime = positionSeconds;
  }

  /** A library that loads the URL without any event. */
  open() {}
}

/** Let all pending promises settle. */
export async function settle() {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
