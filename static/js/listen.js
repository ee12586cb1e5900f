// <a href="….wav" data-listen>Listen</a> plays the sound instead of leaving the page; a second press stops it.
import { toast } from "./feedback.js";

let playing = null;

const stop = () => {
  playing?.audio.pause();
  playing?.link.removeAttribute("aria-busy");
  playing = null;
};

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-listen]");
  if (!link || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const again = playing?.link === link;
  stop();
  if (again) return;
  const audio = new Audio(link.href);
  const mine = (playing = { audio, link });
  link.setAttribute("aria-busy", "true");
  audio.addEventListener("playing", () => link.removeAttribute("aria-busy"));
  audio.addEventListener("ended", stop);
  audio.play().catch(() => {
    if (playing !== mine) return; // stopped before it began
    stop();
    toast("The voice can't be heard just now. Nothing was changed; try again in a minute.", "bad");
  });
});
