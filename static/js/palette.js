// Ctrl-K: go to any page of the main navigation by typing part of its name.
const dialog = document.getElementById("palette");

if (dialog) {
  const input = dialog.querySelector("input");
  const list = dialog.querySelector("ul");
  const places = [...document.querySelectorAll("#sidebar .nav a, [data-palette]")];
  let selected = 0;

  const name = (link) => link.dataset.label ?? link.textContent.trim();
  const matches = () => {
    const words = input.value.trim().toLowerCase();
    return places.filter((link) => name(link).toLowerCase().includes(words));
  };

  const render = () => {
    const found = matches();
    selected = Math.max(0, Math.min(selected, found.length - 1));
    list.replaceChildren(
      ...found.map((link, index) => {
        const item = document.createElement("li");
        item.id = `palette-${index}`;
        item.setAttribute("role", "option");
        item.setAttribute("aria-selected", String(index === selected));
        const symbol = link.querySelector("svg");
        if (symbol) item.append(symbol.cloneNode(true));
        item.append(name(link));
        item.addEventListener("click", () => link.click());
        return item;
      }),
    );
    if (!found.length) {
      const none = document.createElement("li");
      none.className = "none";
      none.setAttribute("role", "option");
      none.setAttribute("aria-disabled", "true");
      none.textContent = "No page of that name";
      list.append(none);
      input.removeAttribute("aria-activedescendant");
    } else {
      input.setAttribute("aria-activedescendant", `palette-${selected}`);
      list.children[selected].scrollIntoView({ block: "nearest" });
    }
  };

  const open = () => {
    if (dialog.open) return;
    input.value = "";
    selected = 0;
    dialog.showModal();
    render();
    input.focus();
  };

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      open();
    }
  });
  for (const button of document.querySelectorAll('[data-open-dialog="palette"]')) {
    button.hidden = false;
    button.addEventListener("click", (event) => {
      event.stopPropagation();
      open();
    });
  }

  input.addEventListener("input", () => {
    selected = 0;
    render();
  });
  input.addEventListener("keydown", (event) => {
    const found = matches();
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      selected = (selected + (event.key === "ArrowDown" ? 1 : -1) + found.length) % Math.max(found.length, 1);
      render();
    } else if (event.key === "Enter") {
      event.preventDefault();
      found[selected]?.click();
    }
  });
}
