// The search: chats by title and turns by their words, as one writes; the arrow keys walk through what was found.
import { fragment, nodes } from "./asking.js";

//: Milliseconds of rest before a search, so that not every letter is one.
const REST = 180;
const FAILED = '<p class="none">The search did not answer. Write on to try again.</p>';

export class Seek {
  constructor(field, list, told) {
    Object.assign(this, { field, list, told });
    this.asked = 0;
    field.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.look(), REST);
    });
    field.closest("nav").addEventListener("keydown", (event) => this.walk(event));
  }

  /** The chats have moved: show them anew, unless the reader is busy with what is shown. */
  refresh() {
    if (!this.field.value.trim() && !this.list.contains(document.activeElement)) this.look();
  }

  async look() {
    const q = this.field.value.trim();
    const asked = ++this.asked;
    this.list.setAttribute("aria-busy", "true");
    const { titles, turns } = this.field.dataset;
    const found = await Promise.all([titles, ...(q && turns ? [turns] : [])].map((url) => ask(url, q)));
    if (asked !== this.asked) return;
    this.list.replaceChildren(...found);
    this.list.removeAttribute("aria-busy");
    this.told.textContent = q ? `${this.links.length} found` : "";
  }

  get links() {
    return [...this.list.querySelectorAll("a")];
  }

  walk(event) {
    if (event.key === "Escape" && (this.field.value || event.target !== this.field)) this.leave(event);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const at = this.links.indexOf(event.target);
    if (!step || (at < 0 && event.target !== this.field)) return;
    event.preventDefault();
    const next = this.links[at + step];
    if (next || at + step < 0) (next ?? this.field).focus();
  }

  /** Esc: first back to the field, then to the list of all chats. */
  leave(event) {
    if (event.target !== this.field && !this.list.contains(event.target)) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.target === this.field) {
      this.field.value = "";
      this.look();
    } else this.field.focus();
  }
}

async function ask(url, q) {
  const asked = new URL(url, location.href);
  if (q) asked.searchParams.set("q", q);
  return fragment(asked).catch(() => nodes(FAILED));
}
