// The two sides: closed and opened on wide screens, dialogs on narrow ones; and kept fresh in place.
import { fragment } from "./asking.js";
import { swap } from "./fresh.js";
import { tellTabs } from "./tabs.js";
import { toastsIn } from "./toasts.js";

const NARROW = { chats: matchMedia("(max-width: 760px)"), known: matchMedia("(max-width: 1100px)") };
const dialog = () => document.getElementById("side");

/** Make the buttons of the header and of the panels work. */
export function tendPanels() {
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens][aria-expanded]");
    const closer = event.target.closest("[data-closes]");
    if (opener) {
      event.preventDefault();
      openSide(opener.dataset.opens);
    } else if (closer) {
      closeSide(closer.dataset.closes);
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === " " && event.target.matches?.("[data-opens][role=button]")) {
      event.preventDefault();
      event.target.click();
    }
  });
  dialog().addEventListener("close", putBack);
  dialog().addEventListener("click", (event) => event.target === dialog() && dialog().close());
  for (const query of Object.values(NARROW)) query.addEventListener("change", () => dialog().close());
  tell();
}

/** Open one side; where the screen is narrow, over the page. */
export function openSide(side) {
  const panel = document.getElementById(side);
  if (NARROW[side].matches) {
    if (dialog().open) dialog().close();
    dialog().dataset.side = side;
    dialog().setAttribute("aria-label", panel.getAttribute("aria-label"));
    panel.before(document.createComment(side));
    panel.away = panel.previousSibling;
    dialog().append(panel);
    toastsIn(dialog());
    dialog().showModal();
  } else {
    keep(side, false);
    panel.querySelector("[data-closes]")?.focus();
  }
  tell();
}

/** Fetch header, cast and scene, who may speak next and who hears it anew; resolves to the fragment's reply that is due. */
export async function freshen(url) {
  const fresh = await fragment(url);
  // What congratulates is on its way out: it stays until it was read.
  for (const id of ["scene", "pane-cast", "pane-scene", "next", "hearers", "tour:not(.over)"]) {
    swap(document.querySelector(`#${id}`), fresh.getElementById(id.split(":")[0]));
  }
  tellTabs();
  tell();
  return fresh.getElementById("pending");
}

function closeSide(side) {
  if (dialog().open) {
    dialog().close();
    return;
  }
  keep(side, true);
  tell();
  document.querySelector(`.scene [data-opens="${side}"]`).focus();
}

function keep(side, closed) {
  document.documentElement.classList.toggle(`no-${side}`, closed);
  try {
    localStorage.setItem(`palimpsest:${side}`, closed ? "closed" : "open");
  } catch {
    // It is open again on the next page.
  }
}

function putBack() {
  const panel = dialog().querySelector(".chats, .known");
  if (!panel) return;
  toastsIn(null);
  const away = document.createNodeIterator(document.getElementById("app"), NodeFilter.SHOW_COMMENT);
  for (let mark = away.nextNode(); mark; mark = away.nextNode()) {
    if (mark.data === panel.id) {
      mark.replaceWith(panel);
      break;
    }
  }
  tell();
}

/** With scripts the header's links are buttons that open the sides. */
function tell() {
  for (const opener of document.querySelectorAll("[data-opens]:is(a)")) {
    const side = opener.dataset.opens;
    const shown = dialog().open && dialog().dataset.side === side;
    opener.setAttribute("role", "button");
    opener.setAttribute("aria-expanded", String(shown));
  }
}
