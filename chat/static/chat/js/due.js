// The reply that is due: being written, decided on, or missing. Frames tell of it; what they left out, the server does.
const PAUSE = 2_000;
const here = (id) => document.getElementById(id);

export class Due {
  //: Generations whose end was told; late news of them is ignored.
  over = new Set();
  //: How often something was told, to see whether an answer is older than that.
  told = 0;
  //: The generation that is being written or decided on, as far as one knows.
  current = "";

  /**
   * `preview` is null on a page opened at an older place, which shows who speaks but not what; `look()` fetches what
   * surrounds the story and resolves to what is pending, or null without an answer; `connected()`.
   */
  constructor({ preview, composer, status, transcript, scroll, look, connected }) {
    Object.assign(this, { preview, composer, status, transcript, scroll, look, connected });
    const deciding = here("pending")?.querySelector(".deciding");
    this.current = preview?.generation || deciding?.dataset.generation || "";
    if (preview?.article) this.speaks(preview.speaker);
    else if (deciding) composer.setRunning(true);
  }

  /** Somebody begins to speak. */
  begin(frame) {
    if (this.over.has(frame.generation)) return;
    if (this.composer.running && this.preview?.generation === frame.generation) return;
    this.told += 1;
    this.current = frame.generation;
    here("empty")?.remove();
    document.querySelector(".failed")?.remove();
    this.transcript.clearQueue();
    this.preview?.begin(frame);
    this.speaks(frame.speaker);
  }

  speaks(name) {
    this.composer.setRunning(true);
    this.status.speaking(name);
  }

  /** It is being decided whether a silent witness speaks up. */
  decide({ generation, witnesses }) {
    if (this.over.has(generation)) return;
    this.told += 1;
    this.current = generation;
    this.composer.setRunning(true);
    this.status.asking(witnesses);
  }

  /** Somebody has ended. The settled turn, if one stands, has come before and taken the preview's place. */
  end({ generation, speaker, state, error, turn_id }) {
    this.told += 1;
    this.over.add(generation);
    if (this.current && this.current !== generation) return;
    this.rest(speaker, state);
    if (!this.preview) return;
    this.preview.remove();
    if (turn_id) return;
    if (["failed", "interrupted"].includes(state)) this.show(failure({ generation, speaker, state, error }));
    if (state === "stopped") this.reconcile();
  }

  /** The settled turn takes the place of its preview. */
  settle(turn, generation = turn.dataset.generation) {
    if (generation) this.over.add(generation);
    if (!generation || this.preview?.generation !== generation) return;
    this.told += 1;
    this.scroll.keeping(() => this.preview.giveWay(turn));
    if (!this.connected()) this.reconcile();
  }

  /** Without a WebSocket nobody tells who speaks: ask, as long as somebody does. */
  async follow() {
    if (this.connected()) return;
    await this.reconcile();
    if (this.composer.running) setTimeout(() => this.follow(), PAUSE);
  }

  /** After a break, and when a reply was stopped: what is due may have begun, ended or failed meanwhile. */
  async reconcile() {
    const { told } = this;
    const pending = await this.look();
    if (!pending) {
      if (this.connected() && this.composer.running) setTimeout(() => this.reconcile(), PAUSE);
      return;
    }
    if (this.told !== told) {
      // What was told while this was asked is newer than its answer.
      await this.reconcile();
      return;
    }
    const writing = pending.querySelector(".writing");
    const deciding = pending.querySelector(".deciding");
    if (writing) this.take(writing);
    else if (deciding) this.decide({ generation: deciding.dataset.generation, witnesses: [] });
    else this.clear(pending.querySelector(".failed"));
  }

  take(writing) {
    const { generation, name: speaker, speaker: speaker_id, text } = writing.dataset;
    if (this.over.has(generation)) return;
    const known = this.preview?.generation === generation;
    if (!known) {
      this.begin({ ...writing.dataset, speaker, speaker_id });
      this.preview?.dress(writing);
    }
    // What comes over the wire is ahead of the server's page.
    if (!known || !this.connected()) this.preview?.set(text);
  }

  /** Nobody speaks: at most there is a reply that is not there. */
  clear(failed) {
    if (this.composer.running) this.rest("", "");
    if (!this.preview) return;
    this.preview.remove();
    this.show(failed);
  }

  /** Only the server knows what a meanwhile is about before its first turn stands. */
  dress(pending) {
    const writing = pending?.querySelector(".writing");
    if (!writing || this.preview?.generation !== writing.dataset.generation) return;
    this.scroll.keeping(() => this.preview.dress(writing));
  }

  rest(name, state) {
    this.current = "";
    this.composer.setRunning(false);
    this.status.ended(name, state);
    this.transcript.clearQueue();
  }

  show(failed) {
    this.scroll.keeping(() => here("pending").replaceChildren(...(failed ? [failed] : [])));
    if (failed) this.scroll.news();
  }
}

function failure({ generation, speaker, state, error }) {
  const notice = here("failed-template").content.firstElementChild.cloneNode(true);
  notice.dataset.generation = notice.querySelector("button").value = generation;
  notice.querySelector(".what").textContent = `${speaker} ${state === "failed" ? "could not answer." : "was cut off."}`;
  notice.querySelector(".why").textContent = error ?? "";
  return notice;
}
