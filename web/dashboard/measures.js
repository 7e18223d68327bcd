/**
 * The measures of the reports: their names, units and formats.
 *
 * @module measures
 */

const WHOLE = new Intl.NumberFormat('en');
const SHORT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const ONE_DIGIT = new Intl.NumberFormat('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const DAY = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', timeZone: 'UTC' });
const LONG_DAY = new Intl.DateTimeFormat('en', {
  weekday: 'short', day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC',
});
const MONTH = new Intl.DateTimeFormat('en', { month: 'short', timeZone: 'UTC' });
const DAY_OF_YEAR = new Intl.DateTimeFormat('en', {
  day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC',
});
const TIME = new Intl.DateTimeFormat('en', {
  hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone: 'UTC',
});

export const whole = (number) => WHOLE.format(number);
export const short = (number) => (number < 10_000 ? WHOLE.format(number) : SHORT.format(number));
/** A share from 0 to 1 in per cent, without the error of the multiplication: 0.4135 is 41.35. */
export const inPercent = (share) => Number((share * 100).toFixed(6));
export const percent = (number) => `${ONE_DIGIT.format(number)} %`;
export const day = (at) => DAY.format(at);
export const month = (at) => MONTH.format(at);
export const dayOfYear = (at) => DAY_OF_YEAR.format(at);
export const longDay = (at) => LONG_DAY.format(at);
export const timeOfDay = (at) => TIME.format(at);

/** Format a watch time: 45 s, 12 min, 3.4 h, 12,345 h. */
export function duration(milliseconds) {
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  const hours = seconds / 3600;
  return `${hours < 100 ? ONE_DIGIT.format(hours) : WHOLE.format(Math.round(hours))} h`;
}

/** Format an age: 12 s, 5 min, 3 h. */
export function age(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

/**
 * Each measure of the page. `scaled` is the value in the unit of the axis.
 * @type {Record<string, {name: string, unit: string, scaled: (m: import('./reports.js').Measures) =>
 *   number, text: (m: import('./reports.js').Measures) => string, hint: string}>}
 */
export const MEASURES = {
  views: {
    name: 'Views',
    unit: 'views',
    scaled: (m) => m.views,
    text: (m) => whole(m.views),
    hint: 'Sessions of 30 s or more; a reload does not count twice',
  },
  unique_viewers: {
    name: 'Unique viewers',
    unit: 'viewers',
    scaled: (m) => m.unique_viewers,
    text: (m) => whole(m.unique_viewers),
    hint: 'Different people with at least one view',
  },
  watch_time_ms: {
    name: 'Watch time',
    unit: 'hours',
    scaled: (m) => m.watch_time_ms / 3_600_000,
    text: (m) => duration(m.watch_time_ms),
    hint: 'Time in which films were playing, without pauses',
  },
  average_percentage_watched: {
    name: 'Average watched',
    unit: '% of the film',
    scaled: (m) => m.average_percentage_watched,
    text: (m) => percent(m.average_percentage_watched),
    hint: 'How much of a film its viewers saw on a day',
  },
  completion_rate: {
    name: 'Completion rate',
    unit: '% of viewers',
    scaled: (m) => inPercent(m.completion_rate),
    text: (m) => percent(inPercent(m.completion_rate)),
    hint: 'Viewers of a day who reached 90 % of the film',
  },
  sessions: {
    name: 'Starts',
    unit: 'starts',
    scaled: (m) => m.sessions,
    text: (m) => whole(m.sessions),
    hint: 'How often a film was started',
  },
};
