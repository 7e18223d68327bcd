// hls.js behind the interface of the tests.
import Hls from "/vendor/hls.js/hls.min.mjs";

const video = document.getElementById("video");
const hls = new Hls({ workerPath: "/vendor/hls.js/hls.worker.js" });

let interstitials = 0;
hls.on(Hls.Events.INTERSTITIAL_ASSET_ENDED, () => { interstitials += 1; });

export const player = {
  async load(url) {
    const parsed = new Promise((resolve) => hls.once(Hls.Events.MANIFEST_PARSED, resolve));
    hls.on(Hls.Events.ERROR, (_, error) => error.fatal && window.problems.push(error.details));
    hls.loadSource(url);
    hls.attachMedia(video);
    await parsed;
  },
  heights: () => hls.levels.map((level) => level.height),
  chooseHeight(height) {
    hls.currentLevel = hls.levels.findIndex((level) => level.height === height);
  },
  interstitials: () => interstitials,
  languages: () => hls.audioTracks.map((track) => track.lang),
  chooseLanguage(language) {
    hls.audioTrack = hls.audioTracks.findIndex((track) => track.lang === language);
  },
  language: () => hls.audioTracks[hls.audioTrack]?.lang,
  showSubtitles() {
    hls.subtitleDisplay = true;
    hls.subtitleTrack = 0;
  },
  cues: () => [...video.textTracks].reduce((sum, track) => sum + (track.cues?.length ?? 0), 0),
};
