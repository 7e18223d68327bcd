// Shaka Player behind the interface of the tests.
import "/node_modules/shaka-player/dist/shaka-player.compiled.js";

const { shaka } = window;
shaka.polyfill.installAll();
const video = document.getElementById("video");
const shakaPlayer = new shaka.Player();
const shown = () => shakaPlayer.getVariantTracks().find((track) => track.active);

export const player = {
  async load(url) {
    shakaPlayer.addEventListener("error", ({ detail }) => window.problems.push(`${detail.code}`));
    await shakaPlayer.attach(video);
    // It aligns HLS subtitles with the next video segment that it buffers, so some must be left.
    shakaPlayer.configure({ abr: { enabled: false }, streaming: { bufferingGoal: 3 } });
    await shakaPlayer.load(url);
  },
  heights: () => [...new Set(shakaPlayer.getVariantTracks().map((track) => track.height))],
  chooseHeight(height) {
    const { language } = shown();
    const chosen = shakaPlayer
      .getVariantTracks()
      .find((track) => track.height === height && track.language === language);
    shakaPlayer.selectVariantTrack(chosen, true);
  },
  languages: () => shakaPlayer.getAudioTracks().map((track) => track.language),
  chooseLanguage(language) {
    const tracks = shakaPlayer.getAudioTracks();
    shakaPlayer.selectAudioTrack(tracks.find((track) => track.language === language));
  },
  language: () => shown()?.language,
  showSubtitles() {
    shakaPlayer.selectTextTrack(shakaPlayer.getTextTracks()[0]);
  },
  cues: () => [...video.textTracks].reduce((sum, track) => sum + (track.cues?.length ?? 0), 0),
};
