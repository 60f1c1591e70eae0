// Short notes at the foot of the page, one at a time. What can be undone, or went wrong, stays until it is closed or the
// player goes on; the rest leave after a while, but not under the reader's hands.
const SECONDS = 12;
const box = () => document.getElementById("toasts");
let home = null;

/** Show a note; `level` is "success" or "error"; `undo` is the address whose POST takes it back. */
export function toast(sentence, level = "success", undo = "") {
  const note = document.getElementById("toast-template").content.firstElementChild.cloneNode(true);
  note.classList.add(level);
  note.querySelector("span").textContent = sentence;
  if (undo) note.querySelector("[form]").setAttribute("formaction", undo);
  else note.querySelector("[form]").remove();
  // Of several deeds in a row the last can be undone here; the others among a turn's writings and the deleted turns.
  box().replaceChildren(note);
  tend(note);
}

/** Take a note away; what had the focus in it gives it to the page. */
export function removeToast(note) {
  const focused = note.contains(document.activeElement);
  note.remove();
  if (focused) document.querySelector("#transcript, main").focus({ preventScroll: true });
}

/** The player goes on: what was said of earlier deeds has been read. */
export function clearToasts() {
  box().replaceChildren();
}

/** What was refused has been done: the refusal is no news any more. */
export function clearErrors() {
  box().querySelectorAll(".toast.error").forEach(removeToast);
}

/** Show the notes in a dialog that covers the page; null: where they stand else. */
export function toastsIn(dialog) {
  (dialog ?? home).prepend(box());
}

/** Look after the notes that the page came with. */
export function tendToasts() {
  home = box()?.parentElement;
  box()?.querySelectorAll(".toast").forEach(tend);
}

function tend(note) {
  note.querySelector(".close").addEventListener("click", () => removeToast(note));
  if (note.matches(".error") || note.querySelector("[formaction]")) return;
  const leave = () => {
    if (note.matches(":hover, :focus-within")) setTimeout(leave, 2000);
    else note.remove();
  };
  setTimeout(leave, SECONDS * 1000);
}
