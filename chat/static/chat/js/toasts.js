// Short notes at the foot of the page. One with an Undo stays until it is closed; the rest leave after a while.
const SECONDS = 12;
const box = () => document.getElementById("toasts");

/** Show a note; `level` is "success" or "error", `undo` the address whose POST takes back what it tells of. */
export function toast(sentence, level = "success", { undo = "" } = {}) {
  const note = document.createElement("div");
  note.className = `toast ${level}`;
  const words = document.createElement("span");
  words.textContent = sentence;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "close";
  close.textContent = "Close";
  note.append(words, ...(undo ? [undoing(undo, note)] : []), close);
  box().append(note);
  tend(note);
}

function undoing(url, note) {
  const button = document.createElement("button");
  button.setAttribute("form", "act");
  button.setAttribute("formaction", url);
  button.dataset.live = "";
  button.textContent = "Undo";
  button.addEventListener("click", () => setTimeout(() => note.remove()));
  return button;
}

/** Look after the notes that the page came with. */
export function tendToasts() {
  box()?.querySelectorAll(".toast").forEach(tend);
}

function tend(note) {
  note.querySelector(".close").addEventListener("click", () => note.remove());
  if (note.querySelector("[formaction]")) return;
  const leave = () => {
    if (note.matches(":hover, :focus-within")) setTimeout(leave, 2000);
    else note.remove();
  };
  setTimeout(leave, SECONDS * 1000);
}
