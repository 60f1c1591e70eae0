// The reply while it is being written. It is not announced token by token: the status line says who speaks, and the
// settled turn is announced when it takes the preview's place.
import { fill } from "./words.js";
import { selected, select } from "./selection.js";
import { askedHere } from "./writings.js";

export class Preview {
  constructor(pending, scroll) {
    Object.assign(this, { pending, scroll });
    this.article = null;
    //: What this tab asked for has not begun: it is to be seen when it does.
    this.awaited = false;
    //: What goes when this stands: the old writing, and whoever had spoken up after it.
    this.going = [];
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
    article.setAttribute("aria-hidden", "true");
    this.place();
    this.set(article.dataset.text);
  }

  /** Begin a preview for a generation. */
  begin({ generation, speaker, speaker_id: speakerId, rewrites, follows, meanwhile }) {
    if (this.generation === generation) return;
    const article = document.getElementById("preview-template").content.firstElementChild.cloneNode(true);
    Object.assign(article.dataset, { generation, name: speaker, speaker: speakerId ?? "" });
    Object.assign(article.dataset, { rewrites: rewrites ?? "", follows: follows ?? "", meanwhile: meanwhile ?? "" });
    article.querySelector("h2").textContent = speaker;
    article.querySelector(".portrait").replaceWith(portraitOf(speakerId, speaker));
    this.scroll.keeping(() => {
      this.remove();
      this.article = article;
      article.setAttribute("aria-hidden", "true");
      this.place();
      this.set("");
    });
    // What speaks up after it belongs to what was asked for.
    const here = askedHere({ generation, rewrites }) || (follows && Number(follows) === this.stood);
    // Of a row, nobody is fetched to the next who went away from one.
    this.scroll.keep(here && (this.awaited || this.scroll.kept) ? article : null);
    this.awaited = false;
    // A new writing is not at the end.
    if (!rewrites) this.scroll.news();
  }

  /** Whoever asked for a writing sees it written, from its beginning if that is still to come. */
  keepInSight() {
    this.awaited = !this.article;
    if (this.article && askedHere(this.article.dataset)) this.scroll.keep(this.article);
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
    const kept = this.article && this.scroll.kept === this.article;
    this.stood = kept ? Number(turn.dataset.turn) : 0;
    if (kept) this.scroll.keep(turn);
    this.remove();
    if (marked) select(turn.querySelector(".text"), marked);
  }

  remove() {
    this.dim([]);
    this.article?.remove();
    this.article = null;
    this.text = "";
    this.length = 0;
  }

  /**
   * Put it where its turn will stand, dressed as that will be: a new writing below the old one, or, when that went
   * with its reply, below the reply; everything else at the end. Of what is not on the page, nothing is shown.
   */
  place() {
    if (!this.article) return;
    const { rewrites, follows, meanwhile } = this.article.dataset;
    const rewritten = document.getElementById(`turn-${rewrites || 0}`);
    this.dim([rewritten, rewritten && spokenUpAfter(rewritten)]);
    const others = meanwhile ? document.querySelectorAll(`.turn[data-turn][data-meanwhile="${Number(meanwhile)}"]`) : [];
    const like = rewritten ?? [...others].at(-1);
    if (like) this.dress(like);
    else this.article.classList.toggle("meanwhile", Boolean(meanwhile));
    if (follows) this.article.querySelector(".how").hidden = false;
    const above = rewritten ?? (rewrites && document.getElementById(`turn-${follows || 0}`));
    if (above) above.after(this.article);
    else if (rewrites) this.article.remove();
    else if (meanwhile) this.pending.before(this.article);
    else this.pending.append(this.article);
  }

  dim(going) {
    this.going.forEach((turn) => turn.classList.remove("being-rewritten"));
    this.going = going.filter(Boolean);
    this.going.forEach((turn) => turn.classList.add("being-rewritten"));
  }

  /** Take over what another turn, or what the server made of this reply, looks like. */
  dress(like) {
    const { article } = this;
    for (const name of ["meanwhile", "odd", "even"]) article.classList.toggle(name, like.classList.contains(name));
    article.querySelector(".how").hidden = !like.querySelector(".how:not([hidden])");
    const elsewhere = like.querySelector(".elsewhere");
    if (elsewhere && !article.querySelector(".elsewhere")) article.prepend(elsewhere.cloneNode(true));
  }

  draw() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => this.drawNow());
  }

  drawNow() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    if (!this.article) return;
    this.scroll.keeping(() => {
      // Its place may have been loaded meanwhile.
      if (!this.article.isConnected) this.place();
      fill(this.article.querySelector(".text"), this.text);
    });
  }
}

/** The portrait of one of the cast, as it stands in the panel. */
export function portraitKnown(character) {
  return document.querySelector(`.cast [data-character="${Number(character)}"] .portrait`)?.cloneNode(true);
}

/** The interjection that stands after a reply, and goes with it; null when nobody had spoken up. */
function spokenUpAfter(turn) {
  const turns = [...document.querySelectorAll(".turn[data-turn]")];
  const next = turns[turns.indexOf(turn) + 1];
  return !turn.querySelector(".how") && next?.querySelector(".how") ? next : null;
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
