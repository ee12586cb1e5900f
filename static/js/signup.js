// Proposes the address of the desk while the name is typed, until somebody changes the proposal, and tells where we are.
const form = document.querySelector("form[data-signup]");
const name = form?.elements.namedItem("name");
const slug = form?.elements.namedItem("slug");
const zone = form?.elements.namedItem("timezone");

/** "Café Übermut & Co." as "cafe-ubermut-co"; the server makes the same. */
function slugOf(text) {
  return text.normalize("NFKD").replace(/[^\x00-\x7f]/g, "").toLowerCase()
    .replace(/[^a-z0-9]+/g, "-").slice(0, 32).replace(/^-+|-+$/g, "");
}

if (name && slug) {
  let ours = slug.value === "";
  slug.addEventListener("input", () => { ours = slug.value === ""; });
  name.addEventListener("input", () => { if (ours) slug.value = slugOf(name.value); });
}

if (zone) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
