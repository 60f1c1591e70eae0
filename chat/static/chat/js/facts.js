// The panel's three tabs, links to turns that are on the page, and the line that says what is still being read.
const TABS = ["story", "cast", "scene"];
const ASK_AGAIN = 2_000;
const here = (id) => document.getElementById(id);

/** Make the tabs and the links to turns work. */
export function tendFacts() {
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

/** The line under the newest turn; it asks again for as long as something is being read. */
export class Reading {
  constructor(line) {
    this.line = line;
  }

  async look() {
    clearTimeout(this.next);
    if (!this.line?.dataset.from) return;
    try {
      const answer = await fetch(this.line.dataset.from, { headers: { Accept: "application/json" } });
      if (!answer.ok) return;
      const readers = Object.values(await answer.json());
      this.say(sentence(readers));
      if (readers.some(({ behind }) => behind > 0)) this.next = setTimeout(() => this.look(), ASK_AGAIN);
    } catch {
      // Without a connection nothing is known; the next frame asks again.
    }
  }

  say(words) {
    this.line.hidden = !words;
    if (this.line.textContent !== words) this.line.textContent = words;
  }
}

function sentence(readers) {
  const behind = readers.filter((one) => one.behind > 0);
  if (!behind.length) return "";
  const failed = behind.find((one) => one.state === "wedged");
  const waiting = behind.find((one) => one.state.startsWith("backing"));
  const paused = behind.find((one) => one.state === "paused");
  const done = `${readers.length - behind.length} of ${readers.length} readers done`;
  if (failed) return `A reader has stopped and waits for an operator · ${done}`;
  if (waiting) return `Reading is paused: ${waiting.why ?? "the model cannot be reached"}${since(waiting)} · ${done}`;
  if (paused) return `Reading is paused by an operator · ${done}`;
  return `The newest turn is being read · ${done}`;
}

function since({ since }) {
  if (!since) return "";
  return ` since ${new Date(since).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}`;
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
