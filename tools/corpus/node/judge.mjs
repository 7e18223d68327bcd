// Returns the views of the npm parsers on manifests. The judges of tools/corpus use one Node
// process for all files: each input line and each output line is a JSON object.
//
// In:  {"format": "hls" | "dash", "url": "https://...", "text": "..."}
// Out: {"<parser>": {"view": ...} | {"error": "..."}, ...}

import { createInterface } from 'node:readline';
import { DOMParser } from '@xmldom/xmldom';
import hlsParser from 'hls-parser';
import { Parser } from 'm3u8-parser';
import { inheritAttributes, toPlaylists } from 'mpd-parser';

// Attributes that determine the URLs and times of segments; the resulting segments are compared.
const ADDRESSING = new Set([
  'baseUrl', 'duration', 'endNumber', 'indexRange', 'indexRangeExact', 'initialization', 'media',
  'segmentUrls', 'startNumber', 'timescale', 'index', 'bitstreamSwitching',
  'presentationTimeOffset', 'eptDelta', 'pdDelta', 'locations',
  'NOW', 'clientOffset',
  // Attributes of BaseURL about its location, which rewriting changes.
  'serviceLocation', 'byteRange', 'availabilityTimeOffset', 'availabilityTimeComplete',
  'timeShiftBufferDepth', 'priority', 'weight', 'dvb:priority', 'dvb:weight',
]);

const silent = { log() {}, warn() {}, error() {}, info() {}, debug() {} };
Object.assign(console, silent);

function m3u8ParserView({ text, url, variables = {} }) {
  const parser = new Parser({ uri: url, mainDefinitions: variables });
  parser.push(text);
  parser.end();
  return parser.manifest;
}

function hlsParserView({ text }) {
  hlsParser.setOptions({ strictMode: false, silent: true });
  return withoutSource(hlsParser.parse(text));
}

// The definition of a variable changes, because the copy has a different URL. Its value does not,
// which m3u8-parser verifies.
function withoutSource({ source, defines, ...playlist }) {
  return { ...playlist, variants: playlist.variants?.map(withoutSource) };
}

function mpdParserView({ text, url }) {
  const document = parsedStrictly(asFilm(text)).documentElement;
  const presentation = inheritAttributes(document, { manifestUri: url });
  const playlists = toPlaylists(presentation.representationInfo);
  return {
    locations: presentation.locations,
    eventStream: presentation.eventStream,
    contentSteering: presentation.contentSteeringInfo,
    representations: playlists.map(({ attributes, segments, sidx }) => ({
      attributes: Object.fromEntries(
        Object.entries(attributes).filter(([name]) => !ADDRESSING.has(name)),
      ),
      segments: segments?.map(segmentView),
      sidx: sidx && segmentView(sidx),
    })),
  };
}

function segmentView({ resolvedUri, byterange, duration, presentationTime, map }) {
  // Without an initialization segment the map refers to the base URL.
  const hasMap = map && (map.uri || map.byterange);
  return {
    uri: resolvedUri,
    byterange,
    duration,
    presentationTime,
    map: hasMap ? { uri: map.resolvedUri, byterange: map.byterange } : undefined,
  };
}

// The number of segments of a live presentation depends on the clock; a film has all of them.
function asFilm(text) {
  return text.replace(/(<MPD\s[^>]*?\btype\s*=\s*["'])dynamic(?=["'])/, '$1static');
}

// xmldom continues after errors at which browsers stop.
function parsedStrictly(text) {
  const stop = (message) => {
    throw new Error(`broken XML: ${message}`.split('\n')[0]);
  };
  return new DOMParser({ errorHandler: { warning: stop, error: stop, fatalError: stop } })
    .parseFromString(text, 'application/xml');
}

const JUDGES = {
  hls: { 'm3u8-parser': m3u8ParserView, 'hls-parser': hlsParserView },
  dash: { 'mpd-parser': mpdParserView },
};

function judged(question) {
  return Object.fromEntries(
    Object.entries(JUDGES[question.format]).map(([name, view]) => {
      try {
        return [name, { view: view(question) }];
      } catch (error) {
        return [name, { error: error.message }];
      }
    }),
  );
}

for await (const line of createInterface({ input: process.stdin })) {
  const answer = JSON.stringify(
    judged(JSON.parse(line)),
    (_, value) => (typeof value === 'bigint' ? String(value) : value),
  );
  process.stdout.write(`${answer}\n`);
}
