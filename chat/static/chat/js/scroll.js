// The reader's place: the page follows the newest words until the reader scrolls up, and never moves what they read.
const NEAR = 48;
//: Milliseconds for which a scroll counts as the reader's own after a wheel, a finger or a key.
const BY_HAND = 400;

export class Scroll {
  constructor(transcript, leaves, jump) {
    Object.assign(this, { transcript, leaves, jump });
    this.following = true;
    this.kept = null;
    this.top = 0;
    this.hand = -BY_HAND;
    for (const kind of ["wheel", "touchmove", "pointerdown", "keydown"]) {
      transcript.addEventListener(kind, () => this.byHand(), { passive: true });
    }
    transcript.addEventListener("scroll", () => this.moved(), { passive: true });
    // On a page opened at an older place it is a link: the newest turns are on another page.
    if (jump.matches("button")) jump.addEventListener("click", () => this.toNewest());
    const observer = new ResizeObserver(() => this.follow());
    observer.observe(leaves);
    observer.observe(transcript);
  }

  /** Take over from the style sheet, which holds the page at its end. */
  hold(target) {
    this.transcript.classList.add("held");
    if (target) {
      this.following = false;
      target.scrollIntoView({ block: "center" });
    }
    this.follow();
  }

  /** Keep something in sight, however it grows, until the reader goes elsewhere; null: nothing any more. */
  keep(element) {
    this.kept = element;
    this.follow();
  }

  /** Whether the page stands at its end, or nearly so. */
  get isNear() {
    return this.below < NEAR;
  }

  /** How many pixels of the story are below what is in sight. */
  get below() {
    const { scrollTop, scrollHeight, clientHeight } = this.transcript;
    return scrollHeight - scrollTop - clientHeight;
  }

  byHand() {
    this.hand = performance.now();
    this.kept = null;
  }

  /** Change the page without moving what is being read. */
  keeping(change) {
    // Where the reader went in this moment, the browser tells the page only with the next frame.
    if (!this.isNear && this.transcript.scrollTop < this.top) this.following = false;
    const anchor = this.following ? null : this.firstVisible();
    const before = anchor?.getBoundingClientRect().top;
    change();
    if (anchor?.isConnected) this.transcript.scrollTop += anchor.getBoundingClientRect().top - before;
    this.follow();
  }

  /** Something new stands at the end. */
  news() {
    if (!this.following) this.jump.classList.add("news");
  }

  toNewest({ focus = true } = {}) {
    this.kept = null;
    this.following = true;
    this.follow();
    if (focus) this.transcript.focus({ preventScroll: true });
  }

  follow() {
    if (this.kept?.isConnected) {
      this.kept.scrollIntoView({ block: "nearest" });
      this.following = this.isNear;
    } else if (this.following) this.transcript.scrollTop = this.transcript.scrollHeight;
    this.top = this.transcript.scrollTop;
    this.show();
  }

  moved() {
    const { isNear } = this;
    const { scrollTop } = this.transcript;
    const isUp = scrollTop < this.top;
    const byHand = performance.now() - this.hand <= BY_HAND;
    if (isNear && this.following && !byHand) {
      // The composer changed its height for a moment and the browser moved the page.
      this.follow();
      return;
    }
    // Only upward movement is the reader's, which begins near the end and ought not to be fought there: growth below
    // leaves the place and makes the end farther.
    if (isUp && (byHand ? this.below >= 1 : !isNear)) this.following = false;
    else if (isNear) this.following = true;
    this.top = scrollTop;
    this.show();
  }

  show() {
    const focused = this.jump === document.activeElement;
    this.jump.hidden = this.following;
    if (!this.following) return;
    this.jump.classList.remove("news");
    if (focused) this.transcript.focus({ preventScroll: true });
  }

  firstVisible() {
    const edge = this.transcript.getBoundingClientRect().top;
    const turns = [...this.leaves.querySelectorAll(".turn")];
    return turns.find((turn) => turn.getBoundingClientRect().bottom > edge + 1);
  }
}
