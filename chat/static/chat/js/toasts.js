// Short notes at the foot of the page. One with an Undo stays until it is closed; the rest leave after a while.
const SECONDS = 12;
const box = () => document.getElementById("toasts");

/** Show a note; `level` is "success" or "error"; `undo` is the address whose POST takes it back. */
export function toast(sentence, level = "success", undo = "") {
  // Of several deeds in a row the last can be undone here; the others where their turn stands.
  if (undo) box().querySelectorAll(".toast [data-live]").forEach((button) => button.closest(".toast").remove());
  const note = document.createElement("div");
  note.className = `toast ${level}`;
  const words = document.createElement("span");
  words.textContent = sentence;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "close";
  close.textContent = "Close";
  note.append(words, ...(undo ? [undoButton(undo)] : []), close);
  box().append(note);
  tend(note);
}

/** Look after the notes that the page came with. */
export function tendToasts() {
  box()?.querySelectorAll(".toast").forEach(tend);
}

function undoButton(url) {
  const button = document.createElement("button");
  button.type = "submit";
  button.textContent = "Undo";
  button.setAttribute("form", "act");
  button.setAttribute("formaction", url);
  button.setAttribute("data-live", "");
  return button;
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
