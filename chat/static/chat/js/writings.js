// Rewriting, editing and comparing turns: the pages that ask are shown on a slip over the story; without scripts they
// are pages of their own.
import { fragment, nodes } from "./asking.js";
import { localTimes } from "./times.js";
import { clearToasts, toast, toastsIn } from "./toasts.js";

const slip = () => document.getElementById("slip");
//: Generations that were asked for here, and turns to be rewritten in a row; when one is settled, this tab offers Undo.
const asked = new Set();

/** Open what is asked before a turn is rewritten, edited or brought back in a dialog. */
export function tendWritings() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-slip], a[data-slip-close]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (link.hasAttribute("data-slip-close") && !slip().open) return;
    event.preventDefault();
    if (link.hasAttribute("data-slip-close")) slip().close();
    else show(link);
  });
  slip().addEventListener("click", (event) => event.target === slip() && slip().close());
  slip().addEventListener("close", uncovered);
}

/** A form or a button did what it says: put the slip away, and remember what was begun. */
export function acted(data) {
  if (slip().open) {
    slip().close();
    uncovered();
  }
  for (const one of [data.generation, ...(data.rewrites ?? [])]) if (one) asked.add(one);
  if (data.told) toast(`${data.told} ${data.went ?? ""}`.trim(), "success", data.undo);
}

/** A new writing stands: say what went with the old one, in the tab where it was asked for. */
export function rewritten({ generation, went, supersedes_id: old, turn_id: turn }, turns) {
  const here = asked.delete(generation) || asked.delete(old);
  if (!here || old === turn) return;
  toast(`Rewritten. ${went ?? ""}`.trim(), "success", `${turns}${old}/restore/`);
}

/** Mark the replies that were written before an earlier turn was changed; the server knows which, and what was changed. */
export async function markOutdated(turns, url) {
  if (!turns.length) return;
  const answer = await fetch(`${url}written-before/?first=${turns[0].dataset.place}`, {
    headers: { Accept: "application/json" },
  });
  if (!answer.ok) return;
  const { lines } = await answer.json();
  for (const turn of turns) mark(turn, lines[turn.dataset.turn] ?? "");
}

function mark(turn, html) {
  const line = nodes(html).firstElementChild;
  const old = turn.querySelector(".older-than");
  turn.classList.toggle("outdated", Boolean(line));
  // Not under the hands of somebody who is about to follow it.
  if (old && line && old.dataset.by === line.dataset.by) return;
  old?.remove();
  if (!line) return;
  turn.querySelector(".text").after(line);
  localTimes(turn);
}

/** What the slip had covered is seen again: the notes go back there. */
function uncovered() {
  toastsIn(document.querySelector("dialog.side[open]"));
}

async function show(link) {
  try {
    const page = await fragment(link.href);
    const body = page.querySelector("[data-slip-body]");
    if (!slip().open) clearToasts(); // of another deed
    slip().replaceChildren(body);
    localTimes(body);
    toastsIn(slip());
    slip().setAttribute("aria-labelledby", "slip-title");
    if (!slip().open) slip().showModal();
    (body.querySelector("textarea") ?? body.querySelector("h1")).focus();
  } catch {
    toast("That did not work. The turn may have been changed meanwhile.", "error");
  }
}
