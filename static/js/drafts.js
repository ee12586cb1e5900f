// What was typed outlives a form that was refused because the session or its token had run out. Each form that is sent
// leaves its fields in this tab's storage; its page asked for with ?unsent=1 puts them back, any other page forgets them.
import { toast } from "./feedback.js";

const MARK = "unsent";
const PREFIX = "draft:";
const MOST = 200_000; // characters in all
const LEFT_OUT = ["password", "file", "hidden", "submit", "button", "reset", "image"];

const keyOf = (form) => {
  const action = form.getAttribute("action") ?? form.getAttribute("hx-post") ?? "";
  return `${PREFIX}${location.pathname} ${new URL(action, location.href).pathname}`;
};
const isPosted = (form) => form.getAttribute("method")?.toLowerCase() === "post" || form.hasAttribute("hx-post");
const fieldsOf = (form) =>
  [...form.elements].filter(
    (field) =>
      field.name &&
      field.matches("input, select, textarea") &&
      !LEFT_OUT.includes(field.type) &&
      field.autocomplete !== "one-time-code",
  );
const ticked = (field) => field.type === "checkbox" || field.type === "radio";
const drafts = () => Object.keys(sessionStorage).filter((key) => key.startsWith(PREFIX));
const forget = () => drafts().forEach((key) => sessionStorage.removeItem(key));

function keep(form) {
  const draft = fieldsOf(form).map((field) => [field.name, ticked(field) ? field.checked : field.value]);
  if (!draft.length) return;
  const [key, text] = [keyOf(form), JSON.stringify(draft)];
  sessionStorage.removeItem(key);
  if (text.length > MOST) return;
  const others = drafts().reduce((sum, other) => sum + sessionStorage.getItem(other).length, 0);
  if (others + text.length > MOST) forget();
  sessionStorage.setItem(key, text);
}

// Fields of one name come back in their order.
function restore(form) {
  const key = keyOf(form);
  const draft = JSON.parse(sessionStorage.getItem(key) ?? "[]");
  sessionStorage.removeItem(key); // of two forms that lead to the same place the first has it
  const found = draft.length > 0;
  if (found) form.closest("details")?.setAttribute("open", "");
  for (const field of fieldsOf(form)) {
    const at = draft.findIndex(([name]) => name === field.name);
    if (at < 0) continue;
    const [[, value]] = draft.splice(at, 1);
    if (ticked(field)) field.checked = value;
    else field.value = value;
  }
  return found;
}

function arrive() {
  const here = new URL(location.href);
  if (here.searchParams.has(MARK)) {
    const found = [...document.forms].filter(isPosted).map(restore).includes(true);
    here.searchParams.delete(MARK);
    history.replaceState(history.state, "", here);
    if (found) toast("What you typed is back; send it again.");
  }
  if (!document.querySelector("[data-drafts]")) forget();
}

try {
  arrive();
  for (const words of document.querySelectorAll("[data-drafts]")) words.hidden = false;
  document.addEventListener(
    "submit",
    ({ target }) => {
      try {
        if (isPosted(target)) keep(target);
      } catch {
        // The storage is full; the form is sent all the same.
      }
    },
    true,
  );
} catch {
  // Storage may be forbidden; nothing is kept then, and nothing is promised.
}
