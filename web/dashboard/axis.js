/**
 * The ends and the ticks of axes.
 *
 * @module axis
 */

/** The smallest round number from `value` on, which is greater than 0. @param {number} value */
export function niceTop(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].map((n) => n * power).find((top) => top >= value);
}

/**
 * The beginnings of months, in UTC: of each month, or of each second one, and so on.
 * @param {number} low  In seconds since 1970, as are the results.
 * @param {number} high
 * @param {number} most  How many there may be.
 */
export function monthStarts(low, high, most) {
  const first = new Date(low * 1000);
  const starts = [];
  for (let index = 1; ; index += 1) {
    const at = Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + index) / 1000;
    if (at > high) break;
    starts.push(at);
  }
  const each = Math.max(1, Math.ceil(starts.length / most));
  return starts.filter((at, index) => index % each === 0);
}
