// The panel's three tabs, and links to turns that are on the page.
const TABS = ["story", "cast", "scene"];
const here = (id) => document.getElementById(id);

/** Make the tabs and the links to turns work. */
export function tendTabs() {
  document.addEventListener("click", (event) => {
    const tab = event.target.closest("[role=tab]");
    if (tab) choose(tab.id.slice(4));
    const link = event.target.closest("[data-turn-link]");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) goTo(event, link);
  });
  document.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step || !event.target.matches?.("[role=tab]")) return;
    event.preventDefault();
    choose(TABS.at((TABS.indexOf(chosen()) + step) % TABS.length));
    here(`tab-${chosen()}`).focus();
  });
  try {
    choose(sessionStorage.getItem("palimpsest:tab") ?? "story");
  } catch {
    choose("story");
  }
}

/** Say on the tabs which one is open; after the panel was swapped. */
export function tellTabs() {
  for (const name of TABS) {
    const tab = here(`tab-${name}`);
    tab.setAttribute("aria-selected", String(name === chosen()));
    tab.tabIndex = name === chosen() ? 0 : -1;
  }
}

function choose(name) {
  const root = document.documentElement;
  for (const other of TABS) root.classList.toggle(`tab-${other}`, other === name);
  try {
    sessionStorage.setItem("palimpsest:tab", name);
  } catch {
    // The story is chosen again on the next page.
  }
  tellTabs();
}

function chosen() {
  return TABS.find((name) => document.documentElement.classList.contains(`tab-${name}`)) ?? "story";
}

function goTo(event, link) {
  const turn = here(`turn-${link.dataset.turnLink}`);
  if (!turn) return;
  event.preventDefault();
  here("side")?.close?.();
  document.querySelectorAll(".turn.linked").forEach((other) => other.classList.remove("linked"));
  turn.classList.add("linked");
  turn.scrollIntoView({ block: "center" });
  turn.focus({ preventScroll: true });
}
