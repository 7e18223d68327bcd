/**
 * The seek bar of the player page: a slider over the film, with the film's heatmap on it.
 *
 * The heatmap is a report for administrators, so the page shows it only if it has their token.
 *
 * @module seek-bar
 */

import { drawHeatmap } from './dashboard/heatmap.js';
import { Reports } from './dashboard/reports.js';
import { clock } from './messages.js';
import { byId } from './panels.js';

const seek = /** @type {HTMLInputElement} */ (byId('seek'));

/** Connect the slider to `video`. @param {HTMLVideoElement} video */
export function connectSeekBar(video) {
  const draw = () => {
    const length = Number.isFinite(video.duration) ? video.duration : 0;
    seek.disabled = length === 0;
    seek.max = String(Math.max(1, length));
    seek.value = String(video.currentTime);
    seek.style.setProperty('--played', `${length ? (video.currentTime / length) * 100 : 0}%`);
    seek.setAttribute('aria-valuetext', length ? `${clock(video.currentTime)} of ${clock(length)}` : 'Not playing');
    byId('seek-time').textContent = length ? `${clock(video.currentTime)} / ${clock(length)}` : '';
  };
  for (const type of ['timeupdate', 'durationchange', 'seeking', 'emptied']) video.addEventListener(type, draw);
  seek.addEventListener('input', () => {
    video.currentTime = Number(seek.value);
  });
  draw();
}

/**
 * Show where a film is watched most; nothing if it has no report.
 * @param {string} movieId
 * @param {string} adminToken
 */
export async function showHeatmap(movieId, adminToken) {
  const heat = byId('heat');
  heat.hidden = true;
  heat.dataset.film = movieId;
  if (!adminToken || !movieId) return;
  try {
    const { retention } = await new Reports(() => adminToken).movie(movieId, {});
    if (heat.dataset.film !== movieId || retention.viewers === 0) return;
    drawHeatmap(heat, retention.plays);
    heat.hidden = false;
  } catch {
    // The player works without it.
  }
}
