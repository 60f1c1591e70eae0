// The reply while it is being written. It is not announced token by token: the status line says who speaks, and the
// settled turn is announced when it takes the preview's place.
import { fill } from "./words.js";
import { selected, select } from "./selection.js";

export class Preview {
  constructor(pending, scroll) {
    Object.assign(this, { pending, scroll });
    this.article = null;
    this.adopt(pending.querySelector(".writing"));
  }

  get generation() {
    return this.article?.dataset.generation ?? "";
  }

  get speaker() {
    return this.article?.dataset.name ?? "";
  }

  /** Go on with the preview that the server rendered. */
  adopt(article) {
    if (!article) return;
    this.remove();
    this.article = article;
    if (!article.parentNode?.isConnected) this.pending.append(article);
    article.setAttribute("aria-hidden", "true");
    this.place(Number(article.dataset.rewrites) || null);
    this.set(article.dataset.text);
  }

  /** Begin a preview for a generation; it stands at the end, or below the turn it is a new writing of. */
  begin({ generation, speaker, speaker_id: speakerId, rewrites = null }) {
    if (this.generation === generation) return;
    const article = document.getElementById("preview-template").content.firstElementChild.cloneNode(true);
    Object.assign(article.dataset, { generation, name: speaker, speaker: speakerId ?? "" });
    article.querySelector("h2").textContent = speaker;
    article.querySelector(".portrait").replaceWith(portraitOf(speakerId, speaker));
    this.scroll.keeping(() => {
      this.remove();
      this.article = article;
      this.pending.append(article);
      article.setAttribute("aria-hidden", "true");
      this.place(rewrites);
      this.set("");
    });
    this.scroll.news();
  }

  /** The whole text so far. */
  set(text) {
    this.text = text;
    this.length = [...text].length;
    this.draw();
  }

  /** More text; `offset` counts characters (code points), so that what came twice is seen. */
  add(offset, text) {
    if (offset > this.length) return;
    const fresh = [...text].slice(this.length - offset);
    if (!fresh.length) return;
    this.text += fresh.join("");
    this.length += fresh.length;
    this.draw();
  }

  /** Give way to the settled turn, keeping what the reader has marked. */
  giveWay(turn) {
    this.drawNow();
    const marked = this.article && selected(this.article.querySelector(".text"));
    this.remove();
    if (marked) select(turn.querySelector(".text"), marked);
  }

  remove() {
    this.rewritten?.classList.remove("being-rewritten");
    this.article?.remove();
    this.article = this.rewritten = null;
    this.text = "";
    this.length = 0;
  }

  place(rewrites) {
    this.rewritten = rewrites && document.getElementById(`turn-${rewrites}`);
    if (!this.rewritten) return;
    this.rewritten.classList.add("being-rewritten");
    this.rewritten.after(this.article);
  }

  draw() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => this.drawNow());
  }

  drawNow() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    if (this.article) this.scroll.keeping(() => fill(this.article.querySelector(".text"), this.text));
  }
}

/** The portrait of one of the cast, as it stands in the panel. */
export function portraitKnown(character) {
  return document.querySelector(`.cast [data-character="${Number(character)}"] .portrait`)?.cloneNode(true);
}

function portraitOf(character, name) {
  const known = portraitKnown(character);
  if (known) return known;
  const initial = document.createElement("span");
  initial.className = "portrait";
  initial.setAttribute("aria-hidden", "true");
  initial.textContent = name.slice(0, 1).toUpperCase();
  return initial;
}
