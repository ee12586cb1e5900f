// What every page needs; each module waits for its own element and does nothing without it.
import "./feedback.js";
import "./drafts.js";
import "./dialogs.js";
import "./palette.js";
import "./lists.js";
import "./live.js";
import "./player.js";
import "./listen.js";

const root = document.documentElement;
root.classList.add("scripted");

// Light or dark: the first press leaves the browser's preference, and the choice is kept.
const dark = () =>
  root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;

for (const button of document.querySelectorAll("[data-theme-toggle]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    try {
      localStorage.setItem("theme", root.dataset.theme);
    } catch {
      // Storage may be forbidden; the choice then lasts until the next page.
    }
  });
}
