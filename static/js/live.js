// News from the server. <body data-live="/ws/live"> opens one socket; each message {"type": "call", "id": …} becomes the
// event "live:call" on <body>, so that a fragment keeps itself fresh with hx-trigger="live:call from:body". News of one
// call also come by its id: "live:journal:<id>".
// The socket is a hint, the page is the truth: after every reconnect "live:reconnect" asks fragments to fetch anew.
const path = document.body.dataset.live;
const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;

if (path) {
  let wait = FIRST_WAIT;
  let timer = 0;
  let before = false;
  let socket = null;

  const tell = (name, detail = {}) => document.body.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));

  const connect = () => {
    clearTimeout(timer);
    if (socket && socket.readyState <= WebSocket.OPEN) return;
    socket = new WebSocket(new URL(path, location.href.replace(/^http/, "ws")));
    socket.addEventListener("open", () => {
      wait = FIRST_WAIT;
      document.body.dataset.liveState = "open";
      if (before) tell("live:reconnect");
      before = true;
    });
    socket.addEventListener("message", ({ data }) => {
      const message = JSON.parse(data);
      if (typeof message.type !== "string") return;
      tell(`live:${message.type}`, message);
      if (typeof message.call === "string") tell(`live:${message.type}:${message.call}`, message);
    });
    socket.addEventListener("close", ({ code }) => {
      document.body.dataset.liveState = "closed";
      if (code === 4401 || code === 4403) return; // signed out, or not a member: no use in asking again
      timer = setTimeout(connect, wait * (0.5 + Math.random()));
      wait = Math.min(wait * 2, LONGEST_WAIT);
    });
  };

  addEventListener("online", connect);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && socket?.readyState !== WebSocket.OPEN) {
      wait = FIRST_WAIT;
      connect();
    }
  });
  connect();
}
