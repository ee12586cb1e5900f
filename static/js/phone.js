// The test call: a phone in the corner of every page of a business. Without this script it is a link.
import { Line, loadSdk } from "./phone-line.js";

const root = document.getElementById("test-call");
const KEPT = "test-call";
const DOUBLE_CLICK = 700; // ms
const WORDS = {
  idle: "Hear what your callers hear.",
  connecting: "Connecting…",
  ringing: "Ringing…",
  live: "Your receptionist is on the line.",
  away: "The connection broke. Trying to get it back…",
  ended: "The call has ended.",
};

// Makes `old` say what `fresh` says and touches only what differs: a screen reader then reads each turn once.
function merge(old, fresh) {
  const [kept, parts] = [[...old.children], [...fresh.children]];
  parts.forEach((part, at) => {
    const there = kept[at];
    const same = part.matches(".turn") ? there?.textContent === part.textContent : there?.isEqualNode(part);
    if (!there) old.append(part);
    else if (same) return;
    else if (part.matches("div, ol") && there.tagName === part.tagName) merge(there, part);
    else there.replaceWith(part);
  });
  for (const gone of kept.slice(parts.length)) gone.remove();
}

class Panel {
  constructor(element) {
    this.element = element;
    this.opener = this.find(".test-call-open");
    this.panel = this.find(".test-call-panel");
    this.status = this.find(".test-call-status");
    this.said = this.find(".test-call-said");
    this.form = this.find("form");
    this.opener.setAttribute("role", "button");
    this.opener.setAttribute("aria-expanded", "false");
    this.listen();
    this.show("idle");
    if (this.kept() === "open") this.open(false);
  }

  find(selector) {
    return this.element.querySelector(selector);
  }

  button(name) {
    return this.find(`[data-do="${name}"]`);
  }

  get busy() {
    return ["connecting", "ringing", "live", "away"].includes(this.state);
  }

  listen() {
    const actions = {
      collapse: () => this.collapse(),
      call: () => this.call({ voice: true }),
      type: () => this.call({ voice: false }),
      end: () => this.hangUp(),
      mute: () => this.mute(),
      keys: () => this.toggle("keys", this.find(".test-call-keys")),
    };
    this.opener.addEventListener("click", (event) => {
      event.preventDefault();
      if (this.panel.hidden) this.open(true);
      else this.collapse();
    });
    this.opener.addEventListener("keydown", (event) => {
      if (event.key === " ") {
        event.preventDefault();
        this.opener.click();
      }
    });
    this.element.addEventListener("click", ({ target }) => {
      const button = target.closest("button");
      if (button?.dataset.do) actions[button.dataset.do]();
      if (button?.dataset.key) this.line?.press(button.dataset.key);
    });
    this.said.addEventListener("click", ({ target }) => {
      if (target.closest("a")) this.keep("closed"); // the page it leads to is not covered
    });
    this.panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.collapse();
    });
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.speak();
    });
    for (const news of ["live:journal", "live:call", "live:reconnect"]) {
      document.body.addEventListener(news, () => this.refresh());
    }
    addEventListener("pagehide", () => this.line?.close());
    addEventListener("beforeunload", (event) => {
      if (this.busy) event.preventDefault(); // leaving would hang up
    });
  }

  // --- the panel itself

  kept() {
    try {
      return localStorage.getItem(KEPT);
    } catch {
      return null; // storage may be forbidden
    }
  }

  keep(value) {
    try {
      localStorage.setItem(KEPT, value);
    } catch {
      // The panel then begins closed on the next page.
    }
  }

  open(focus) {
    this.panel.hidden = false;
    this.opener.setAttribute("aria-expanded", "true");
    this.keep("open");
    if (focus) {
      this.button(this.busy ? "end" : "call").focus();
      loadSdk(this.element.dataset.sdk).catch(() => {}); // said again when it is needed
    }
  }

  collapse() {
    this.panel.hidden = true;
    this.opener.setAttribute("aria-expanded", "false");
    this.keep("closed");
    this.opener.focus();
  }

  toggle(name, part) {
    part.hidden = !part.hidden;
    this.button(name).setAttribute("aria-pressed", String(!part.hidden));
    this.said.scrollTop = this.said.scrollHeight; // it made room
  }

  show(state, words = WORDS[state]) {
    this.state = state;
    this.element.dataset.state = state;
    this.status.textContent = words;
    const { busy } = this;
    const live = state === "live" || state === "away";
    this.button("call").hidden = this.button("type").hidden = busy;
    this.button("end").hidden = !busy;
    this.button("mute").hidden = !live || !this.voice;
    this.button("keys").hidden = !live;
    this.find(".test-call-meters").hidden = !live;
    this.form.hidden = !busy;
    if (!live) {
      this.find(".test-call-keys").hidden = true;
      this.button("keys").setAttribute("aria-pressed", "false");
    }
    this.find(".test-call-label").textContent = busy ? "On the line" : "Test call";
  }

  // --- the call

  async post(url, body = new URLSearchParams()) {
    const { "X-CSRFToken": token } = JSON.parse(document.body.getAttribute("hx-headers"));
    const answer = await fetch(url, { method: "POST", body, headers: { "X-CSRFToken": token } }).catch(() => null);
    if (!answer) throw new Error("No connection. Please try again when you are back online.");
    if (answer.ok) return answer;
    const problem = await answer.json().catch(() => ({}));
    throw new Error(problem.error ?? "That did not work. Reload the page and try again.");
  }

  async call({ voice }) {
    if (this.busy) return;
    this.holdOn();
    this.voice = voice;
    this.sid = "";
    this.said.replaceChildren();
    this.said.hidden = true;
    this.find(".test-call-time").textContent = "";
    this.button("mute").setAttribute("aria-pressed", "false");
    this.show("connecting");
    this.panel.scrollTop = 0;
    (voice ? this.button("end") : this.form.elements.text).focus();
    const line = new Line({ src: this.element.dataset.sdk, sounds: JSON.parse(this.element.dataset.sounds) });
    this.line = line;
    this.follow(line);
    try {
      await line.open(async () => (await this.post(this.element.dataset.start)).json(), { voice });
    } catch (error) {
      if (this.line === line) this.show("error", error.message);
    }
  }

  hangUp() {
    if (!this.button("end").hasAttribute("aria-disabled")) this.line?.close();
  }

  // "Hang up" takes the place of "Call": the second click of a double one lands there.
  holdOn() {
    const button = this.button("end");
    button.setAttribute("aria-disabled", "true");
    clearTimeout(this.holding);
    this.holding = setTimeout(() => button.removeAttribute("aria-disabled"), DOUBLE_CLICK);
  }

  follow(line) {
    line.addEventListener("ringing", () => this.show("ringing"));
    line.addEventListener("accept", ({ detail }) => {
      this.sid = detail.sid;
      this.began = Date.now();
      this.show("live");
      this.tick();
      this.refresh();
    });
    line.addEventListener("away", () => this.show("away"));
    line.addEventListener("back", () => this.show("live"));
    line.addEventListener("error", ({ detail }) => this.show("error", detail.message));
    line.addEventListener("level", ({ detail }) => {
      for (const side of ["in", "out"]) this.find(`[data-level="${side}"]`).value = Math.sqrt(detail[side]);
    });
    line.addEventListener("end", () => {
      const inside = this.panel.contains(document.activeElement);
      if (this.state !== "error") this.show("ended");
      if (inside) this.button("call").focus();
      this.find(".test-call-time").textContent = ""; // how long it was stands beside what it cost
      this.refresh();
    });
  }

  tick() {
    if (this.state !== "live" && this.state !== "away") return;
    const seconds = Math.floor((Date.now() - this.began) / 1000);
    this.find(".test-call-time").textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    setTimeout(() => this.tick(), 500);
  }

  mute() {
    const button = this.button("mute");
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(on));
    this.line?.mute(on);
  }

  async speak() {
    const { text } = this.form.elements;
    const words = text.value.trim();
    if (!words || !this.busy) return;
    text.value = "";
    const body = new URLSearchParams({ text: words });
    const file = this.post(this.element.dataset.speech, body).then((answer) => answer.arrayBuffer());
    this.status.textContent = `You: “${words}”`;
    try {
      await this.line.say(file);
      if (this.state === "live") this.status.textContent = WORDS.live;
    } catch (error) {
      if (!this.busy) return;
      this.status.textContent = error.message;
      text.value ||= words; // nothing typed is lost
    }
  }

  // --- what is said: the server's words, fetched anew whenever it has news

  refresh() {
    if (!this.sid) return;
    clearTimeout(this.fetching);
    this.fetching = setTimeout(() => this.fetchSaid(this.sid), 120);
  }

  async fetchSaid(sid) {
    const answer = await fetch(`${this.element.dataset.start}/${encodeURIComponent(sid)}`).catch(() => null);
    if (!answer?.ok || sid !== this.sid) return;
    const fresh = document.createElement("div");
    fresh.innerHTML = await answer.text();
    merge(this.said, fresh);
    this.said.hidden = false;
    this.said.scrollTop = this.said.scrollHeight;
  }
}

if (root) new Panel(root);
