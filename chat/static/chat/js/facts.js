// The facts beside the story, and "Previously": fetched when the page opens, and anew whenever they have moved.
import { fragment } from "./asking.js";
import { swap } from "./fresh.js";

//: Milliseconds between two fetches: a reader may write ten facts at once.
const PAUSE = 1_000;
const here = (id) => document.getElementById(id);

export class Facts {
  constructor(pane, leaves, scroll) {
    Object.assign(this, { pane, leaves, scroll });
    this.last = -PAUSE;
    this.stale = false;
    pane.addEventListener("focusout", () => setTimeout(() => this.stale && this.refresh()));
  }

  /** Nothing is swapped under the hands of somebody who writes. */
  get inUse() {
    return Boolean(this.pane.querySelector("form :is(input, textarea):focus"));
  }

  /** They have moved: fetch them, soon, and once however often this is called meanwhile. */
  refresh() {
    this.stale = true;
    this.timer ??= setTimeout(() => this.fetch(), Math.max(0, this.last + PAUSE - performance.now()));
  }

  async fetch() {
    this.timer = null;
    if (this.inUse) return;
    this.stale = false;
    this.last = performance.now();
    try {
      const fresh = await fragment(this.pane.dataset.facts);
      if (this.inUse) this.stale = true;
      else this.show(fresh);
    } catch {
      // The connection is gone; when it is back they are fetched again.
      this.stale = true;
    }
  }

  show(fresh) {
    swap(here("facts"), fresh.getElementById("facts"), this.pane);
    const previously = fresh.getElementById("previously");
    if (!here("previously")?.isEqualNode(previously)) {
      this.scroll.keeping(() => here("previously")?.replaceWith(previously));
    }
    this.place();
  }

  /** "Previously" stands where the open scene begins; between scenes, at the end. */
  place() {
    const previously = here("previously");
    if (!previously) return;
    const scene = here("scene").dataset.scene;
    const first = scene && this.leaves.querySelector(`.turn[data-scene="${scene}"]`);
    const above = first && here("older") && first === this.leaves.querySelector(".turn");
    const next = above ? this.leaves.firstElementChild : first || here("pending");
    if (next === previously || previously.nextElementSibling === next) return;
    this.scroll.keeping(() => next.before(previously));
  }
}
