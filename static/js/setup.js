// The last screen of the set-up: its button opens the phone in the corner, which is there on every page.
document.querySelector("[data-open-test-call]")?.addEventListener("click", (event) => {
  const panel = document.getElementById("test-call-panel");
  const opener = document.querySelector(".test-call-open");
  if (!panel || !opener) return;
  event.preventDefault();
  if (panel.hidden) opener.click();
  panel.querySelector("[data-do=call]")?.focus();
});
