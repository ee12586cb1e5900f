// A button with data-copy="id" copies that element's text and says so.
for (const button of document.querySelectorAll("[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  if (!source || !navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const label = button.lastChild;
    const before = label.textContent;
    try {
      await navigator.clipboard.writeText(source.textContent);
      label.textContent = "Copied";
    } catch {
      label.textContent = "Select and copy it by hand";
    }
    setTimeout(() => { label.textContent = before; }, 2000);
  });
}
