// Rewriting, editing and comparing turns: the pages that ask are shown on a slip over the story; without scripts they
// are pages of their own.
import { fragment, nodes } from "./asking.js";
import { localTimes } from "./times.js";
import { clearToasts, toast, toastsIn } from "./toasts.js";

const slip = () => document.getElementById("slip");
//: Generations that were asked for here, and turns to be rewritten in a row; when one is settled, this tab offers Undo.
const asked = new Set();
//: The generation that this tab asked for last, through a reload: the cookie of told.py is all the browser's.
const NOTE = "palimpsest:asked";

/** Open what is asked before a turn is rewritten, edited or brought back in a dialog. */
export function tendWritings() {
  const { generation } = document.querySelector(".writing[data-asked-here]")?.dataset ?? {};
  if (generation && generation === noted()) asked.add(generation);
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
  if (data.generation) note(data.generation);
  if (data.told) toast(`${data.told} ${data.went ?? ""}`.trim(), "success", data.undo);
}

/** A slip asked about what no longer stands: it asks about the writing that does, or goes when none does. */
export async function outrun(form, { status, data }) {
  if (status !== 409 || !slip().contains(form) || !("standing" in (data.present ?? {}))) return;
  const { standing } = data.present;
  if (!standing) {
    slip().close();
    return;
  }
  const typed = [...form.elements].filter((field) => field.matches("textarea")).map((field) => field.value);
  await turnTo(form.getAttribute("action").replace(/\/turns\/\d+\//, `/turns/${standing}/`)).catch(() => slip().close());
  slip().querySelectorAll("textarea").forEach((field, number) => (field.value = typed[number] ?? field.value));
}

/** Whether a writing was asked for in this tab, now or before its page was loaded; alone or as one of a row. */
export function askedHere({ generation, rewrites }) {
  return asked.has(generation) || asked.has(Number(rewrites));
}

/** A rewriting has ended: say how, in the tab where it was asked for; the next page need not tell it (told.py). */
export function rewritten({ generation, state, told, supersedes_id: old, turn_id: turn }, { turns, page }) {
  const alone = asked.delete(generation);
  const here = asked.delete(old) || alone;
  if (here && state !== "complete") endRow();
  if (!here || !told) return;
  toast(told, "success", old === turn ? "" : `${turns}${old}/restore/`);
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `asked=; path=${page}; max-age=0; samesite=lax${secure}`;
}

/** A generation has ended. One that was stopped before its first word is told; a row goes no further than its failure. */
export function ended({ generation, state, speaker, rewrites, turn_id: turn }) {
  const here = asked.has(generation) || asked.has(rewrites);
  if (state === "stopped" || (state !== "finished" && asked.has(rewrites))) endRow();
  if (turn || state === "finished") return;
  asked.delete(generation);
  if (here && state === "stopped") toast(`${speaker} was stopped. The old writing stands.`);
}

/** What was to be rewritten in a row is not: one of them was cut off, or the player has gone on. */
export function endRow() {
  for (const one of asked) if (typeof one === "number") asked.delete(one);
}

function note(generation) {
  try {
    sessionStorage.setItem(NOTE, generation);
  } catch {
    // Without storage a page that is loaded again tells no end; the one after it does.
  }
}

function noted() {
  try {
    return sessionStorage.getItem(NOTE);
  } catch {
    return null;
  }
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
    await turnTo(link.href);
  } catch {
    toast("That did not work. The turn may have been changed meanwhile.", "error");
  }
}

/** Show the page of an address on the slip. */
async function turnTo(address) {
  const page = await fragment(address);
  const body = page.querySelector("[data-slip-body]");
  if (!slip().open) clearToasts(); // of another deed
  // The notes stand beside it, and stay.
  slip().querySelector("[data-slip-body]")?.remove();
  slip().append(body);
  localTimes(body);
  toastsIn(slip());
  slip().setAttribute("aria-labelledby", "slip-title");
  if (!slip().open) slip().showModal();
  (body.querySelector("textarea") ?? body.querySelector("h1")).focus();
}
