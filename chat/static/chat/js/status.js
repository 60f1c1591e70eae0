// Who speaks, in the composer's status line and in the tab's title.
const ENDS = {
  finished: (name) => `${name} has spoken.`,
  stopped: (name) => `${name} was stopped.`,
  interrupted: (name) => `${name} was cut off.`,
  failed: (name) => `${name} could not answer.`,
};

export class Status {
  constructor(line, title) {
    Object.assign(this, { line, title });
  }

  speaking(name) {
    this.say(`${name} is speaking`, this.pulse());
    this.line.classList.remove("idle");
    document.title = `● ${name} is speaking · ${this.title}`;
  }

  /** It is being decided whether one of the silent witnesses speaks up. */
  asking(names) {
    // Who it could be, a page that was loaded meanwhile does not know.
    this.say(["Is anyone else about to speak?", ...(names.length ? [`${names.join(", ")}…`] : [])].join(" "), this.pulse());
    this.line.classList.remove("idle");
  }

  /** The line is read out, and then only for the ear; when nobody else speaks up, it still says who spoke. */
  ended(name, state) {
    if (state !== "nobody") this.outcome = ENDS[state]?.(name) ?? "";
    this.say(this.outcome ?? "");
    this.line.classList.add("idle");
    this.rename(this.title);
  }

  rename(title) {
    this.title = title;
    if (this.line.classList.contains("idle")) document.title = `${title} · Palimpsest`;
  }

  pulse() {
    const pulse = document.createElement("span");
    pulse.className = "pulse";
    pulse.setAttribute("aria-hidden", "true");
    return pulse;
  }

  say(sentence, ...before) {
    const words = document.createElement("span");
    words.textContent = sentence;
    this.line.replaceChildren(...before, words);
  }
}
