// A secret that is shown once (data-once): it is not closed by accident before it was copied or downloaded, a reload does not
// send its form again, and nothing of it stays in the page when that is left.

let open = null; // The panel that is shown.

const isSaved = () => !open || open.dataset.saved === "yes";

function warn() {
  open.querySelector("[data-unsaved]").hidden = false;
  open.querySelector("[data-anyway]").hidden = false;
  open.querySelector("[data-anyway]").focus();
}

function leave() {
  const to = open.dataset.once;
  forget();
  location.assign(to);
}

function forget() {
  open?.replaceChildren();
  open = null;
}

function begin(panel) {
  if (!panel || panel === open) return;
  open = panel;
  if (!panel.closest("dialog")) history.replaceState(null, "", panel.dataset.once);
}

function download(name, text) {
  const link = Object.assign(document.createElement("a"), { download: name });
  link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  link.click();
  URL.revokeObjectURL(link.href);
}

export function start() {
  begin(document.querySelector("[data-once]"));
  document.addEventListener("dialog-filled", (event) => begin(event.target.querySelector("[data-once]")));
  // Before the dialogs' own listeners, which would close it.
  document.addEventListener("click", (event) => {
    if (!open?.contains(event.target)) return;
    const saving = event.target.closest("[data-download], [data-secret] [data-copy], .clients [data-copy]");
    if (saving) open.dataset.saved = "yes";
    if (saving?.dataset.download) download(saving.dataset.download, saving.dataset.text);
    const closing = event.target.closest("[data-close], [data-anyway]");
    if (!closing) return;
    event.preventDefault();
    event.stopPropagation();
    if (isSaved() || closing.hasAttribute("data-anyway")) leave();
    else warn();
  }, { capture: true });
  document.addEventListener("cancel", (event) => {
    if (!open || !event.target.contains(open)) return;
    event.preventDefault(); // Escape.
    if (isSaved()) leave();
    else warn();
  }, { capture: true });
  addEventListener("beforeunload", (event) => {
    if (!isSaved()) event.preventDefault();
  });
  addEventListener("pagehide", forget);
  // Presets of capabilities tick boxes.
  document.addEventListener("click", (event) => {
    const preset = event.target.closest("[data-preset]");
    if (!preset) return;
    const wanted = new Set(preset.dataset.preset.split(" "));
    for (const box of preset.closest("form").querySelectorAll("input[name=capabilities]")) box.checked = wanted.has(box.value);
  });
}
