// dash.js behind the interface of the tests.
import "/vendor/dash.js/dash.mediaplayer.min.js";

const video = document.getElementById("video");
const dash = window.dashjs.MediaPlayer().create();
const events = window.dashjs.MediaPlayer.events;
const current = (type) => dash.getCurrentTrackFor(type);

export const player = {
  async load(url) {
    const ready = new Promise((resolve) => dash.on(events.STREAM_INITIALIZED, resolve));
    dash.on(events.ERROR, ({ error }) => window.problems.push(error.message));
    dash.updateSettings({
      streaming: {
        abr: { autoSwitchBitrate: { video: false } },
        buffer: { fastSwitchEnabled: true },
        text: { defaultEnabled: false },
      },
    });
    dash.initialize(video, url, true);
    await ready;
  },
  heights: () => dash.getRepresentationsByType("video").map((each) => each.height),
  chooseHeight(height) {
    const chosen = dash.getRepresentationsByType("video").find((each) => each.height === height);
    dash.setRepresentationForTypeById("video", chosen.id, true);
  },
  languages: () => dash.getTracksFor("audio").map((track) => track.lang),
  chooseLanguage(language) {
    dash.setCurrentTrack(dash.getTracksFor("audio").find((track) => track.lang === language));
  },
  language: () => current("audio")?.lang,
  showSubtitles() {
    dash.enableText(true);
    dash.setTextTrack(0);
  },
  cues: () => [...video.textTracks].reduce((sum, track) => sum + (track.cues?.length ?? 0), 0),
};
