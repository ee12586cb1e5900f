// The last screen of the set-up: its buttons call with the phone in the corner.
for (const link of document.querySelectorAll("[data-test-call]")) {
  link.addEventListener("click", (event) => {
    const panel = document.getElementById("test-call-panel");
    if (!panel) return; // the link then leads to how to call
    event.preventDefault();
    if (panel.hidden) document.querySelector(".test-call-open").click();
    panel.querySelector(`[data-do="${link.dataset.testCall}"]`).click();
  });
}
