// News from the server. <body data-live="/ws/live"> opens one socket; each message {"type": "call", "id": …} becomes the
// event "live:call" on <body>, so that a fragment keeps itself fresh with hx-trigger="live:call from:body". News of one
// call also come by its id: "live:journal:<id>".
// The socket is a hint, the page is the truth: after every reconnect "live:reconnect" asks fragments to fetch anew.
const path = document.body.dataset.live;
const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;
const REFUSED = 4403; // the session, the membership or the role is not what it was

// What stands on a page that no longer hears of anything: the server drew it, in a <template>.
function saySignedOut() {
  const drawn = document.getElementById("signed-out");
  if (!drawn || document.getElementById("signed-out-notice")) return;
  const notice = drawn.content.firstElementChild.cloneNode(true);
  notice.id = "signed-out-notice";
  notice.querySelector("a").href = `/login?${new URLSearchParams({ next: location.pathname + location.search })}`;
  document.getElementById("main").prepend(notice);
}

if (path) {
  let wait = FIRST_WAIT;
  let timer = 0;
  let before = false;
  let socket = null;

  const tell = (name, detail = {}) => document.body.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));

  const connect = () => {
    clearTimeout(timer);
    if (socket && socket.readyState <= WebSocket.OPEN) return;
    let opened = false;
    socket = new WebSocket(new URL(path, location.href.replace(/^http/, "ws")));
    socket.addEventListener("open", () => {
      opened = true;
      wait = FIRST_WAIT;
      document.getElementById("signed-out-notice")?.remove(); // signed in again in another tab
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
    socket.addEventListener("close", async ({ code }) => {
      document.body.dataset.liveState = "closed";
      // A socket that is refused before it opens comes without a reason.
      if (code === REFUSED || !opened) {
        const answer = await fetch(location.href, { headers: { "HX-Request": "true" } }).catch(() => null);
        if (answer?.headers.has("HX-Redirect")) return saySignedOut();
        if (code === REFUSED && !answer?.ok) return; // no longer a member: no use in asking again
      }
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
