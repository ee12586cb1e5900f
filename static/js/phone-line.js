// A telephone line in the browser: Twilio's Voice SDK with Twilio itself or with the built-in carrier (`signal`).
// What goes out is one stream that we mix: the microphone, if there is one, and sentences spoken from files. Muting is
// therefore ours, and a typed sentence is heard all the same.
const LOUD = 0.02; // share of full scale above which the far end counts as speaking
const PATIENCE = 15_000;

let sdk = null;

// The built-in carrier speaks ws: on this machine; the SDK knows wss: only.
const allowPlainSockets = () => {
  const Native = window.WebSocket;
  window.WebSocket = class extends Native {
    constructor(url, ...rest) {
      super(String(url).replace(/^wss:(\/\/(?:[\w-]+\.)*localhost(?::\d+)?\/signal)$/, "ws:$1"), ...rest);
    }
  };
};

export const loadSdk = (src) => {
  sdk ??= new Promise((resolve, reject) => {
    allowPlainSockets();
    const script = document.createElement("script");
    script.src = src;
    script.addEventListener("load", () => resolve(window.Twilio));
    script.addEventListener("error", () => {
      sdk = null;
      reject(new Error("The phone could not be loaded. Reload the page and try again."));
    });
    document.head.append(script);
  });
  return sdk;
};

const microphone = async () => {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Error("This browser gives no microphone to this page. You can type instead.");
  }
  try {
    return await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
    });
  } catch (error) {
    throw new Error(
      error.name === "NotFoundError"
        ? "No microphone was found. Plug one in, or type instead."
        : "The microphone is blocked. Allow it beside the page's address, or type instead.",
    );
  }
};

// Events: ringing, accept {sid}, level {in, out}, back, away, end, error {message}.
export class Line extends EventTarget {
  constructor({ src, sounds }) {
    super();
    this.src = src;
    this.sounds = sounds;
    this.lastLoud = 0;
    this.heard = false;
    this.waiting = Promise.resolve();
  }

  // `start()` gives {token, ticket, signal}; everything that can go on at once does.
  async open(start, { voice }) {
    this.audio = new AudioContext();
    this.out = this.audio.createMediaStreamDestination();
    this.mouth = this.audio.createGain();
    this.mouth.connect(this.out);
    // allSettled: where one fails, a microphone that was given is still to be put away.
    const parts = await Promise.allSettled([loadSdk(this.src), start(), voice ? microphone() : null]);
    if (parts[2].status === "fulfilled") this.mic = parts[2].value;
    const failed = parts.find((part) => part.status === "rejected");
    if (this.closed || failed) {
      this.close();
      throw failed?.reason ?? new Error("The call was ended.");
    }
    const [Twilio, { token, ticket, signal }] = parts.map((part) => part.value);
    if (this.mic) this.audio.createMediaStreamSource(this.mic).connect(this.mouth);
    this.device = new Twilio.Device(token, {
      ...(signal ? { chunderw: signal } : {}),
      codecPreferences: ["pcmu", "opus"],
      fileInputStream: this.out.stream,
      logLevel: "silent",
      publishEvents: false,
      sounds: this.sounds,
    });
    this.device.on("error", (error) => this.fail(error));
    this.timer = setTimeout(() => this.fail(), PATIENCE);
    this.call = await this.device.connect({ params: { ticket } });
    if (this.closed) return this.close();
    this.listen(this.call);
  }

  listen(call) {
    call.on("ringing", () => this.tell("ringing"));
    call.on("accept", () => {
      clearTimeout(this.timer);
      this.accepted = performance.now();
      this.tell("accept", { sid: call.parameters.CallSid });
    });
    call.on("volume", (input, output) => {
      if (output > LOUD) {
        this.lastLoud = performance.now();
        this.heard = true;
      }
      this.tell("level", { in: input, out: output });
    });
    call.on("reconnecting", () => this.tell("away"));
    call.on("reconnected", () => this.tell("back"));
    call.on("error", (error) => this.fail(error));
    for (const end of ["disconnect", "cancel", "reject"]) call.on(end, () => this.close());
  }

  fail(error) {
    if (this.closed) return;
    // While a call is on, the SDK finds its way back by itself.
    if (this.accepted && this.call?.status() === "reconnecting") return;
    const message =
      error?.code === 31205 || error?.code === 20104
        ? "This call took too long to begin. Please try again."
        : "The phone line can't be reached. Please try again in a moment.";
    this.tell("error", { message });
    this.close();
  }

  tell(name, detail = {}) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  mute(on) {
    this.mouth?.gain.setValueAtTime(on ? 0 : 1, this.audio.currentTime);
  }

  press(key) {
    this.call?.sendDigits(key);
  }

  // Speaks a sound file into the call, one after the other, as soon as the far end pauses.
  say(file) {
    this.waiting = this.waiting.then(async () => {
      const sound = await this.audio.decodeAudioData(await file);
      await this.pause();
      if (this.closed) return;
      const source = this.audio.createBufferSource();
      source.buffer = sound;
      source.connect(this.out);
      source.start();
      await new Promise((resolve) => source.addEventListener("ended", resolve));
      this.heard = false;
      this.lastLoud = performance.now();
    });
    const done = this.waiting;
    this.waiting = done.catch(() => {});
    return done;
  }

  async pause() {
    const begun = performance.now();
    while (!this.closed) {
      const now = performance.now();
      if (this.accepted && now - this.lastLoud > 700 && (this.heard || now - begun > 4000)) return;
      if (now - begun > 20_000) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  close() {
    if (this.ended) return;
    this.closed = true;
    clearTimeout(this.timer);
    const sid = this.call?.parameters.CallSid;
    this.ended = true;
    this.call?.disconnect();
    // The end of the call has to leave before its socket goes.
    const { device, audio, mic } = this;
    setTimeout(() => device?.destroy(), 300);
    for (const track of mic?.getTracks() ?? []) track.stop();
    audio?.close();
    this.tell("end", { sid });
  }
}
