// A reply that is still being written, as nodes: paragraphs, *actions*, **stress** and “speech”. Model text is
// never parsed as HTML. The settled turn, rendered by the server, looks the same.
import { selected, select } from "./selection.js";

const CLOSING = { "“": "”", "„": "“”", "«": "»", '"': '"' };

/** Show `text` in `container`, touching only the paragraphs that changed. */
export function fill(container, text) {
  const paragraphs = text.trim() ? text.trim().split(/\n\s*\n/) : [];
  const kept = container.children;
  const marked = selected(container);
  paragraphs.forEach((words, at) => {
    if (kept[at]?.words === words) return;
    const fresh = paragraph(words);
    if (kept[at]) kept[at].replaceWith(fresh);
    else container.append(fresh);
  });
  while (kept.length > paragraphs.length) container.lastElementChild.remove();
  if (marked) select(container, marked);
}

function paragraph(text) {
  const writer = new Writer();
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === "*") at += writer.star(text, at);
    else if (character === "\n") writer.lineBreak();
    else writer.character(character);
  }
  const element = writer.done();
  element.words = text;
  return element;
}

class Writer {
  constructor() {
    this.root = this.here = document.createElement("p");
    this.words = "";
  }

  /** A star or two: the start or end of stress, or just a star. How many further characters it used. */
  star(text, at) {
    const double = text[at + 1] === "*";
    const [tag, length] = double ? ["STRONG", 2] : ["EM", 1];
    const inside = this.here.tagName === tag;
    if (inside) this.leave();
    else if (/\S/.test(text[at + length] ?? "") && !this.here.closest(tag)) this.enter(tag);
    else this.words += double ? "**" : "*";
    return length - 1;
  }

  character(character) {
    if (this.here.closing?.includes(character)) {
      this.words += character;
      this.leave();
      return;
    }
    if (CLOSING[character] && !this.here.closest(".speech")) {
      this.enter("span", "speech").closing = CLOSING[character];
    }
    this.words += character;
  }

  lineBreak() {
    this.flush();
    this.here.append(document.createElement("br"));
  }

  enter(tag, name = "") {
    this.flush();
    const element = document.createElement(tag);
    if (name) element.className = name;
    this.here.append(element);
    this.here = element;
    return element;
  }

  leave() {
    this.flush();
    this.here = this.here.parentNode;
  }

  flush() {
    if (this.words) this.here.append(this.words);
    this.words = "";
  }

  done() {
    this.flush();
    return this.root;
  }
}
