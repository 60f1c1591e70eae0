// What the player says next: keys, draft, Send and Stop.
import { newKey, post } from "./asking.js";

export class Composer {
  /** `send(turn)` passes it on by wire and rejects without a connection; `stop()`; `lastOwn()` recalls a text. */
  constructor(form, { chat, send, stop, lastOwn, posted }) {
    Object.assign(this, { form, send, stop, lastOwn, posted });
    this.words = form.elements.text;
    this.draft = `palimpsest:draft:${chat}`;
    this.running = false;
    this.key = null;
    this.recall();
    form.addEventListener("submit", (event) => this.submitted(event));
    this.words.addEventListener("input", () => this.changed());
    this.words.addEventListener("keydown", (event) => this.pressed(event));
  }

  get speaker() {
    return this.form.elements.speaker;
  }

  /** Nobody is here to answer, or to go on. */
  get alone() {
    return this.speaker.type === "hidden";
  }

  /** Send becomes Stop while something runs; words typed meanwhile can still be sent. */
  setRunning(running) {
    this.running = running;
    const stop = this.form.querySelector(".stop");
    const focused = document.activeElement === stop;
    stop.hidden = !running;
    this.form.classList.toggle("running", running);
    if (focused && !running) this.words.focus({ preventScroll: true });
  }

  submitted(event) {
    event.preventDefault();
    if (event.submitter?.matches(".stop")) this.stop();
    else this.say();
  }

  pressed(event) {
    if (event.isComposing) return;
    if (event.key === "Enter" && this.sends(event)) {
      event.preventDefault();
      this.say();
    } else if (event.key === "ArrowUp" && !this.words.value && !event.shiftKey) {
      const last = this.lastOwn();
      if (!last) return;
      event.preventDefault();
      this.words.value = last;
      this.changed();
    }
  }

  sends(event) {
    if (event.ctrlKey || event.metaKey) return true;
    // On a touch keyboard there is no Shift+Enter; its Enter makes a new line and the button sends.
    if (matchMedia("(hover: none) and (pointer: coarse)").matches) return false;
    return (this.form.dataset.enterSends === "true") !== event.shiftKey;
  }

  async say() {
    const text = this.words.value.trim();
    if (this.busy || (!text && (this.running || this.alone))) return;
    this.busy = true;
    this.key ??= newKey();
    this.form.setAttribute("aria-busy", "true");
    const turn = { text, key: this.key };
    if (this.speaker.value) turn.speaker = Number(this.speaker.value);
    const refused = await this.pass(turn);
    this.busy = false;
    this.form.removeAttribute("aria-busy");
    this.show(refused);
    if (!refused) this.sent(text);
  }

  /** By the wire, else by a post with the same key; the sentence of a refusal, or "" when it is recorded. */
  async pass(turn) {
    try {
      const answer = await this.send(turn);
      return answer.type === "error" ? answer.detail : "";
    } catch {
      return this.post(turn);
    }
  }

  async post({ key, ...fields }) {
    try {
      const answer = await post(this.form.action, fields, { "Idempotency-Key": key });
      return answer.ok ? "" : answer.detail;
    } catch {
      return "There is no connection. Your words are kept here; send them again when it is back.";
    }
  }

  sent(text) {
    this.key = null;
    // What was typed while it was on its way stays.
    if (this.words.value.trim() === text) this.words.value = "";
    this.speaker.value = "";
    this.changed();
    this.posted();
  }

  show(refusal) {
    const line = document.getElementById("refusal");
    line.textContent = refusal;
    line.hidden = !refusal;
  }

  changed() {
    const text = this.words.value;
    if (this.key && !this.busy) this.key = null;
    this.form.classList.toggle("worded", Boolean(text.trim()));
    this.offer();
    this.grow();
    try {
      if (text) localStorage.setItem(this.draft, text);
      else localStorage.removeItem(this.draft);
    } catch {
      // Without storage the draft lives as long as the page.
    }
  }

  /** With nothing typed, someone can go on: if someone is here. */
  offer() {
    this.form.querySelector(".send").textContent = this.words.value.trim() || this.alone ? "Send" : "Go on";
  }

  recall() {
    try {
      if (!this.words.value) this.words.value = localStorage.getItem(this.draft) ?? "";
    } catch {
      // Nothing was kept.
    }
    this.changed();
  }

  grow() {
    if (CSS.supports("field-sizing", "content")) return;
    this.words.style.height = "auto";
    this.words.style.height = `${this.words.scrollHeight}px`;
  }
}
