// A field that narrows what the page already shows (data-filter names the rows, by data-filter-text).

export function start() {
  for (const field of document.querySelectorAll("input[data-filter]")) {
    field.closest("[data-needs-script]")?.removeAttribute("hidden");
    const rows = () => [...document.querySelectorAll(field.dataset.filter)];
    const count = field.closest(".toolbar")?.querySelector("[data-filter-count]");
    field.addEventListener("input", () => {
      const wanted = field.value.trim().toLowerCase();
      for (const row of rows()) row.hidden = !row.dataset.filterText.toLowerCase().includes(wanted);
      if (count) count.textContent = `${rows().filter((row) => !row.hidden).length} of ${rows().length}`;
    });
  }
}
