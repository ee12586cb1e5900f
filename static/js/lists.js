// Lists: addresses without empty filters, and a way of swapping that leaves alone what has not changed.

document.addEventListener("htmx:configRequest", ({ target, detail }) => {
  if (!target.matches?.(".list-toolbar")) return;
  for (const [name, value] of [...detail.formData]) if (value === "") detail.formData.delete(name);
});

// hx-swap (or hx-select-oob) "grow", with hx-ext="grow" around it: children that are the same stay, others are replaced
// or added. What listens to additions (a transcript with role="log") then hears only what is new.
window.htmx?.defineExtension("grow", {
  handleSwap(style, target, fragment) {
    if (style !== "grow") return false;
    for (const { name, value } of fragment.attributes ?? []) target.setAttribute(name, value);
    const fresh = [...fragment.children];
    fresh.forEach((child, index) => {
      const old = target.children[index];
      if (!old) target.append(child);
      else if (!old.isEqualNode(child)) old.replaceWith(child);
    });
    while (target.children.length > fresh.length) target.lastElementChild.remove();
    return [];
  },
});
