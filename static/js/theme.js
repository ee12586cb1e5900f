// Runs before the first paint, so that a chosen theme never flashes. Not a module: modules run too late.
(() => {
  try {
    const chosen = localStorage.getItem("theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch {
    // Storage may be forbidden; then the browser's preference stands.
  }
})();
