// Native dialogs: <button data-open-dialog="id"> opens <dialog id="id">; a click beside it closes it.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open-dialog]");
  if (opener) {
    document.getElementById(opener.dataset.openDialog)?.showModal();
  } else if (event.target instanceof HTMLDialogElement && event.target.classList.contains("dialog")) {
    const box = event.target.getBoundingClientRect();
    const inside =
      event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    // A key press on a button inside also clicks, at 0,0.
    if (!inside && event.detail > 0) event.target.close();
  }
});

// An answer may close its dialog: HX-Trigger: {"closeDialog": {}}.
document.addEventListener("closeDialog", (event) => event.target.closest?.("dialog")?.close());
