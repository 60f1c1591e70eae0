// The turns on the page: each stands once, in story order, whatever the order and number of times it arrives.
import { fragment, nodes } from "./asking.js";
import { portraitKnown } from "./preview.js";
import { localTimes } from "./times.js";

export class Transcript {
  constructor(leaves, scroll, { older, detached }) {
    Object.assign(this, { leaves, scroll, older, detached });
    localTimes(leaves);
    this.watchOlder();
  }

  get turns() {
    return [...this.leaves.querySelectorAll(".turn[data-turn]")];
  }

  /** Turns, and the marks between them. */
  get entries() {
    return [...this.leaves.querySelectorAll(".turn[data-turn], .between")];
  }

  get pending() {
    return document.getElementById("pending");
  }

  /** The player's own last words, as they were typed. */
  lastOwn() {
    return this.turns.findLast((turn) => turn.matches(".player"))?.dataset.text ?? "";
  }

  /** Put a turn where it belongs; the turn, or null if it is there already or older than what is loaded. */
  insert(html) {
    const turn = this.put(nodes(html).querySelector(".turn"));
    if (turn) this.scroll.news();
    return turn;
  }

  /** Put a mark where it belongs; it is no news worth scrolling to. */
  mark(html) {
    this.put(nodes(html).querySelector(".between"));
  }

  put(entry) {
    if (!entry || this.detached || document.getElementById(entry.id)) return null;
    const earlier = this.entries.findLast((other) => before(other, entry));
    if (!earlier && document.getElementById("older")) return null;
    this.scroll.keeping(() => {
      if (entry.matches(".turn")) document.getElementById("empty")?.remove();
      if (earlier) afterNote(earlier).after(entry);
      else (this.entries[0] ?? this.pending).before(entry);
      localTimes(entry);
    });
    return entry;
  }

  /** Swap a turn for what supersedes it, in place, or put it where it belongs; the new one, or null if it is older. */
  replace(html, supersedes) {
    const turn = nodes(html).querySelector(".turn");
    const old = document.getElementById(`turn-${supersedes}`);
    if (turn && !old) return this.insert(html);
    if (!turn) return null;
    const focused = old.contains(document.activeElement) && document.activeElement;
    this.scroll.keeping(() => {
      if (turn.id !== old.id) document.getElementById(turn.id)?.remove();
      old.replaceWith(turn);
      localTimes(turn);
    });
    if (focused) sameTool(turn, focused).focus({ preventScroll: true });
    return turn;
  }

  remove(id) {
    const turn = document.getElementById(`turn-${id}`);
    if (!turn) return;
    const near = turn.contains(document.activeElement) && (turn.previousElementSibling ?? this.leaves);
    this.scroll.keeping(() => {
      this.noteAfter(turn)?.remove();
      turn.remove();
    });
    if (near) near.focus({ preventScroll: true });
  }

  /** Say of a player's turn that it waits for the reply after the running one. */
  queue(turn) {
    if (this.noteAfter(turn)) return;
    const note = document.createElement("p");
    note.className = "note queued";
    note.dataset.after = turn.dataset.turn;
    note.textContent = "Will be answered next.";
    this.scroll.keeping(() => turn.after(note));
  }

  clearQueue() {
    this.scroll.keeping(() => this.leaves.querySelectorAll(".note.queued").forEach((note) => note.remove()));
  }

  noteAfter(turn) {
    return turn.nextElementSibling?.matches(".note.queued") ? turn.nextElementSibling : null;
  }

  /** Load the newest page anew: too much was missed to be told one by one. */
  async reload() {
    const fresh = await fragment(this.older);
    this.scroll.keeping(() => {
      this.pending.append(...this.leaves.querySelectorAll(".writing"));
      for (const stale of [...this.leaves.children]) if (!stale.matches(".pending, .last-time, .stays")) stale.remove();
      this.pending.before(fresh);
      localTimes(this.leaves);
    });
    this.watchOlder();
  }

  /** Load earlier turns when the reader comes near the first one. */
  watchOlder() {
    const older = document.getElementById("older");
    if (!older) return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return;
        observer.disconnect();
        this.loadOlder(older);
      },
      { root: this.scroll.transcript, rootMargin: "800px 0px 0px 0px" },
    );
    observer.observe(older);
  }

  async loadOlder(older) {
    const link = older.querySelector("a");
    try {
      const fresh = await fragment(`${this.older}?before=${link.dataset.before}`);
      // What the reader scrolls up to is not news.
      this.scroll.transcript.setAttribute("aria-live", "off");
      this.scroll.keeping(() => {
        older.replaceWith(fresh);
        localTimes(this.leaves);
      });
      setTimeout(() => this.scroll.transcript.removeAttribute("aria-live"), 1000);
      this.watchOlder();
    } catch {
      link.textContent = "Earlier turns could not be loaded. Try again";
    }
  }

  /** The open scene may have got another title. */
  retitle({ scene, title }) {
    const shown = document.querySelector(`#mark-${scene || 0} .title`);
    if (shown) shown.textContent = title;
  }

  /** A character may have got another portrait. */
  repaint() {
    for (const turn of this.turns) {
      const shown = turn.querySelector(".portrait");
      const now = shown && portraitKnown(turn.dataset.speaker);
      if (now && !now.isEqualNode(shown)) shown.replaceWith(now);
    }
  }
}

function sameTool(turn, focused) {
  return turn.querySelector(`[data-tool="${focused.dataset.tool}"]`) ?? turn;
}

function before(one, other) {
  const places = Number(one.dataset.place) - Number(other.dataset.place);
  return (places || Number(one.dataset.turn) - Number(other.dataset.turn)) < 0;
}

function afterNote(turn) {
  return turn.nextElementSibling?.matches(".note.queued") ? turn.nextElementSibling : turn;
}
