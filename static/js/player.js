// A recording as its waveform: caller above the line, receptionist below, words lit as they are heard.
//
// <figure class="player" id="…" data-seconds="72.4"
//   data-peaks='{"caller": [0…100, …], "receptionist": […]}'   or data-peaks-url with that JSON behind it
//   data-markers='[{"at_ms": 4100, "label": "Looked up: opening hours"}]'> … <audio>
// <ol data-follows="…"> … <span data-from="ms" data-to="ms">word</span>: a click on a word plays from there.
// Without scripts the browser's own audio controls stay.
const SVG = "http://www.w3.org/2000/svg";
const HALF = 50;
const SPEEDS = [1, 1.25, 1.5, 2];
let clips = 0;

const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

const draw = (parent, name, attributes) => {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent.append(element);
  return element;
};

// One bar for each peak, on one side of the line; the loudest fills it, but near-silence stays small.
const bars = (peaks, loudest, up) =>
  peaks
    .map((peak, index) => {
      const height = Math.max(0.8, (peak / loudest) * (HALF - 4));
      return `M${index + 0.18} ${HALF}v${up ? -height : height}h.64V${HALF}z`;
    })
    .join("");

class Player {
  constructor(figure) {
    this.figure = figure;
    this.audio = figure.querySelector("audio");
    this.bar = figure.querySelector(".player-bar");
    this.range = figure.querySelector("input[type=range]");
    this.now = figure.querySelector(".player-now");
    this.play = figure.querySelector(".player-play");
    this.speed = figure.querySelector(".player-speed");
    this.seconds = Number(figure.dataset.seconds) || 1;
    this.range.max = String(this.seconds);
    this.audio.controls = false;
    this.audio.hidden = true;
    this.bar.hidden = false;
    this.listen();
    this.loadPeaks();
  }

  async loadPeaks() {
    const { peaks, peaksUrl, markers } = this.figure.dataset;
    let shape = peaks ? JSON.parse(peaks) : null;
    if (!shape && peaksUrl) {
      const answer = await fetch(peaksUrl, { headers: { Accept: "application/json" } }).catch(() => null);
      if (answer?.ok) shape = await answer.json();
    }
    this.drawWave(shape ?? { caller: [], receptionist: [] }, markers ? JSON.parse(markers) : []);
  }

  drawWave({ caller, receptionist }, markers) {
    const svg = this.figure.querySelector("svg[preserveAspectRatio]");
    const loudest = Math.max(30, ...caller, ...receptionist);
    this.width = Math.max(caller.length, receptionist.length, 1);
    svg.setAttribute("viewBox", `0 0 ${this.width} ${HALF * 2}`);
    const id = `heard-${(clips += 1)}`;
    this.heard = draw(draw(draw(svg, "defs", {}), "clipPath", { id }), "rect", { x: 0, y: 0, width: 0, height: HALF * 2 });
    draw(svg, "line", { class: "axis", x1: 0, x2: this.width, y1: HALF, y2: HALF });
    for (const group of [draw(svg, "g", { class: "rest" }), draw(svg, "g", { "clip-path": `url(#${id})` })]) {
      draw(group, "path", { class: "caller", d: bars(caller, loudest, true) });
      draw(group, "path", { class: "receptionist", d: bars(receptionist, loudest, false) });
    }
    for (const { at_ms: at } of markers) {
      const x = (at / 1000 / this.seconds) * this.width;
      draw(svg, "line", { class: "marker", x1: x, x2: x, y1: 0, y2: 10 });
    }
    this.needle = draw(svg, "line", { class: "needle", y1: 0, y2: HALF * 2 });
    this.show();
  }

  listen() {
    const { audio, range } = this;
    this.play.addEventListener("click", () => (audio.paused ? audio.play() : audio.pause()));
    range.addEventListener("input", () => this.seek(Number(range.value)));
    range.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -5, ArrowRight: 5 }[event.key];
      if (event.key === " ") this.play.click();
      else if (step) this.seek(audio.currentTime + step);
      else return;
      event.preventDefault();
    });
    this.speed.addEventListener("click", () => {
      audio.playbackRate = SPEEDS[(SPEEDS.indexOf(audio.playbackRate) + 1) % SPEEDS.length];
      this.speed.textContent = `${audio.playbackRate}×`;
      this.speed.setAttribute("aria-label", `Speed ${audio.playbackRate}×`);
    });
    const paused = this.play.getAttribute("aria-label");
    for (const name of ["play", "pause", "ended"]) {
      audio.addEventListener(name, () => {
        this.figure.classList.toggle("playing", !audio.paused);
        this.play.setAttribute("aria-label", audio.paused ? paused : this.play.dataset.labelPause);
        if (!audio.paused) this.follow();
      });
    }
    audio.addEventListener("seeked", () => this.show());
    document.addEventListener("click", (event) => {
      const word = event.target.closest?.("[data-from]");
      if (word?.closest("[data-follows]")?.dataset.follows !== this.figure.id) return;
      this.seek(Number(word.dataset.from) / 1000);
      audio.play();
    });
  }

  // The needle moves with the picture, not with the four `timeupdate` events a second.
  follow() {
    this.show();
    if (!this.audio.paused) requestAnimationFrame(() => this.follow());
  }

  seek(seconds) {
    this.audio.currentTime = Math.max(0, Math.min(seconds, this.seconds));
    this.show();
  }

  show() {
    const at = this.audio.currentTime;
    const x = (at / this.seconds) * (this.width ?? 0);
    this.heard?.setAttribute("width", String(x));
    this.needle?.setAttribute("x1", String(x));
    this.needle?.setAttribute("x2", String(x));
    this.range.value = String(at);
    this.range.setAttribute("aria-valuetext", `${clock(at)} of ${clock(this.seconds)}`);
    this.now.textContent = clock(at);
    this.light(at * 1000);
  }

  // Marks the word heard at `ms`; the list of words is read again whenever playing starts, as a transcript may grow.
  light(ms) {
    if (!this.words || this.audio.paused) {
      const words = document.querySelectorAll(`[data-follows="${CSS.escape(this.figure.id)}"] [data-from]`);
      this.words = [...words].map((word) => ({ word, from: Number(word.dataset.from), to: Number(word.dataset.to) }));
    }
    const lit = ms > 0 ? this.words.find(({ from, to }) => ms >= from && ms < to)?.word : undefined;
    if (lit === this.lit) return;
    this.lit?.classList.remove("now");
    lit?.classList.add("now");
    this.lit = lit;
  }
}

const players = new WeakSet();
const start = (scope) => {
  for (const figure of scope.querySelectorAll("figure.player")) {
    if (players.has(figure)) continue;
    players.add(figure);
    new Player(figure);
  }
};

start(document);
// Players that arrive in a fragment.
document.addEventListener("htmx:load", ({ detail }) => start(detail.elt.parentElement ?? document));
