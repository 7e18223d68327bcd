// video.js behind the interface that the tests drive.
import "/node_modules/video.js/dist/video.min.js";

// VHS drops what it has buffered for a rendition that it has not played before only; for others it
// applies the choice when it next needs a segment. So it must not have all of so short a film.
window.videojs.Vhs.GOAL_BUFFER_LENGTH = 1;
window.videojs.Vhs.MAX_GOAL_BUFFER_LENGTH = 1;
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
  heights: () => videojs.tech(true).vhs.representations().map((each) => each.height),
  chooseHeight(height) {
    const all = videojs.tech(true).vhs.representations();
    // What becomes enabled is chosen at once, so the others have to be out of the way by then.
    for (const each of all) each.enabled(false);
    all.find((each) => each.height === height).enabled(true);
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
