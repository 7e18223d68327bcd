// video.js behind the interface of the tests.
import "/node_modules/video.js/dist/video.min.js";

const options = { html5: { vhs: { overrideNative: true } } };
const videojs = window.videojs("video", options);
const list = (tracks) => Array.from({ length: tracks.length }, (_, index) => tracks[index]);
const subtitles = () =>
  list(videojs.textTracks()).filter((track) => ["subtitles", "captions"].includes(track.kind));

export const player = {
  async load(url) {
    const type = url.includes(".mpd?") ? "application/dash+xml" : "application/x-mpegURL";
    const ready = new Promise((resolve) => videojs.one("loadedmetadata", resolve));
    videojs.on("error", () => window.problems.push(videojs.error().message));
    videojs.src({ src: url, type });
    await ready;
  },
  languages: () => list(videojs.audioTracks()).map((track) => track.language),
  chooseLanguage(language) {
    for (const track of list(videojs.audioTracks())) track.enabled = track.language === language;
  },
  language: () => list(videojs.audioTracks()).find((track) => track.enabled)?.language,
  showSubtitles() {
    subtitles()[0].mode = "showing";
  },
  cues: () => subtitles().reduce((sum, track) => sum + (track.cues?.length ?? 0), 0),
};
