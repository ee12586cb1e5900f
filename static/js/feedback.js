// Words for what happened: toasts, and what to say when an htmx request fails.
const region = document.getElementById("toasts");
const LINGER = { info: 6000, good: 6000, success: 6000 };

// Everything outside of an open dialog is inert and beneath it: the region goes where it can be seen, heard and pressed.
function place() {
  const home = [...document.querySelectorAll("dialog:modal")].at(-1) ?? document.body;
  if (region.parentElement !== home) home.append(region);
}

for (const name of ["toggle", "close"]) document.addEventListener(name, place, true);
document.addEventListener("htmx:afterSettle", place);

export function toast(text, tone = "info", undo = null) {
  place();
  for (const other of region.children) if (other.firstElementChild?.textContent === text) other.remove();
  const box = document.createElement("div");
  box.className = `toast ${tone}`;
  if (tone === "bad" || tone === "error") box.setAttribute("role", "alert");
  box.append(Object.assign(document.createElement("span"), { textContent: text }));
  if (undo) box.append(undoing(undo, box));
  region.append(settle(box, tone));
  return box;
}

// A button that takes back what has just been done: {url, values} is posted.
function undoing({ url, values }, box) {
  const button = document.createElement("button");
  button.className = "button ghost small";
  button.type = "button";
  button.textContent = "Undo";
  button.addEventListener("click", () => {
    box.remove();
    window.htmx.ajax("POST", url, { values, swap: "none" });
  });
  return button;
}

// Every toast can be dismissed; good news also leaves by itself, bad news stays until it has been read.
function settle(box, tone) {
  const close = document.createElement("button");
  close.className = "button ghost small";
  close.type = "button";
  close.textContent = "Dismiss";
  close.addEventListener("click", () => box.remove());
  box.append(close);
  if (LINGER[tone]) setTimeout(() => box.remove(), LINGER[tone]);
  return box;
}

for (const box of region.querySelectorAll(".toast")) {
  settle(box, [...box.classList].find((name) => name !== "toast") ?? "info");
}

document.addEventListener("toast", ({ detail }) => toast(detail.text, detail.tone, detail.undo));

document.addEventListener("htmx:responseError", ({ detail }) => {
  const header = detail.xhr.getResponseHeader("HX-Trigger") ?? "";
  if (header.includes('"toast"')) return; // the answer brought its own words
  toast(
    detail.xhr.status >= 500
      ? "Something went wrong on our side. Nothing was lost; please try again."
      : "That did not work. Reload the page and try again.",
    "bad",
  );
});

document.addEventListener("htmx:sendError", () =>
  toast("No connection. What you typed is still here; try again when you are back online.", "bad"),
);
document.addEventListener("htmx:timeout", () => toast("This takes too long. Please try again.", "bad"));

let offline = null;
addEventListener("offline", () => {
  offline = toast("You are offline. What you see may be out of date; it catches up by itself.", "warn");
});
addEventListener("online", () => offline?.remove());
