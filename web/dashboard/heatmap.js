/**
 * The heatmap of a film: a bar whose colour says how often each hundredth was played.
 *
 * @module heatmap
 */

/** Most parts of a film are played once; with this exponent, those that are played again stand out. */
const CONTRAST = 3;

/**
 * Draw the bar, from the beginning of the film to its end, in the colours `--live` and
 * `--raised-more` of the page.
 * @param {HTMLElement} host
 * @param {number[]} plays  How often a viewer played each hundredth on average.
 */
export function drawHeatmap(host, plays) {
  const least = Math.min(...plays);
  const distance = Math.max(...plays) - least;
  const stops = plays.map((value, index) => {
    const share = distance ? ((value - least) / distance) ** CONTRAST * 94 + 6 : 50;
    const color = `color-mix(in oklab, var(--live) ${share.toFixed(1)}%, var(--raised-more))`;
    return `${color} ${((index + 0.5) * 100) / plays.length}%`;
  });
  host.style.backgroundImage = plays.length ? `linear-gradient(90deg, ${stops.join(', ')})` : 'none';
}

/**
 * Return the hundredth with the most repeated plays, and how often each of its viewers played it;
 * null if nobody repeated anything.
 * @param {number[]} audience
 * @param {number[]} plays
 */
export function mostRewatched(audience, plays) {
  const repeated = plays.map((count, index) => count - audience[index]);
  const most = Math.max(0, ...repeated);
  if (most === 0) return null;
  const hundredth = repeated.indexOf(most);
  return { hundredth, times: plays[hundredth] / audience[hundredth] };
}
