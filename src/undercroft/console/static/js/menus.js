// Menus are <details>: one is open at a time, and Escape or a click elsewhere closes it. And the rail of small screens.

export function start() {
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details[data-menu][open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
    const toggle = event.target.closest("[data-rail]");
    const rail = document.getElementById("rail");
    if (rail && (toggle || !rail.contains(event.target))) setRail(rail, toggle ? !rail.classList.contains("open") : false);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details[data-menu][open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
    const rail = document.getElementById("rail");
    if (rail?.classList.contains("open")) setRail(rail, false);
  });
}

function setRail(rail, open) {
  rail.classList.toggle("open", open);
  document.querySelector("[data-rail]")?.setAttribute("aria-expanded", open);
}
