// The turns on the page: each stands once, in story order, whatever the order and number of times it arrives.
import { fragment, nodes } from "./asking.js";
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

  get pending() {
    return document.getElementById("pending");
  }

  /** The player's own last words, as they were typed. */
  lastOwn() {
    return this.turns.findLast((turn) => turn.matches(".player"))?.dataset.text ?? "";
  }

  /** Put a turn where it belongs; the turn, or null if it is there already or older than what is loaded. */
  insert(html) {
    const turn = nodes(html).querySelector(".turn");
    if (!turn || this.detached || document.getElementById(turn.id)) return null;
    const earlier = this.turns.findLast((other) => before(other, turn));
    if (!earlier && document.getElementById("older")) return null;
    this.scroll.keeping(() => {
      document.getElementById("empty")?.remove();
      if (earlier) afterNote(earlier).after(turn);
      else (this.turns[0] ?? this.pending).before(turn);
      localTimes(turn);
      this.mendBreaks();
    });
    this.scroll.news();
    return turn;
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
        this.mendBreaks();
      });
      setTimeout(() => this.scroll.transcript.removeAttribute("aria-live"), 1000);
      this.watchOlder();
    } catch {
      link.textContent = "Earlier turns could not be loaded. Try again";
    }
  }

  /** Scene breaks where one scene's turns meet another's; the header knows the newest scene. */
  mendBreaks() {
    const scene = document.getElementById("scene").dataset;
    let last = null;
    for (const turn of this.turns) {
      const above = turn.previousElementSibling;
      const has = above?.matches(".break") ? above : null;
      if (has && last !== null) has.hidden = last === turn.dataset.scene;
      else if (!has && turn.dataset.scene && turn.dataset.scene === scene.scene && last !== turn.dataset.scene) {
        if (last !== null || !document.getElementById("older")) turn.before(sceneBreak(scene));
      }
      last = turn.dataset.scene;
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

function sceneBreak({ scene, number, title }) {
  const heading = document.createElement("h2");
  heading.className = "break";
  heading.dataset.opens = scene;
  const count = document.createElement("span");
  count.textContent = `Scene ${number}`;
  heading.append(count, title ? ` ${title}` : "");
  return heading;
}
