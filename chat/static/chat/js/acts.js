// Buttons that post: Retry, enter and leave, scenes. Without scripts they are plain forms; here the page stays.
import { post } from "./asking.js";
import { clearErrors, removeToast, toast } from "./toasts.js";

/** `done()` is called after each that went well, `refused()` after each that did not. */
export function tendActs({ done, refused }) {
  document.addEventListener("submit", async (event) => {
    const button = event.submitter;
    if (!button?.matches("[data-live]") && !event.target.matches("[data-live]")) return;
    event.preventDefault();
    if (button?.ariaBusy === "true") return;
    button?.setAttribute("aria-busy", "true");
    try {
      const fields = new FormData(event.target, button);
      const answer = await post(button?.hasAttribute("formaction") ? button.formAction : event.target.action, fields);
      if (answer.ok) {
        putAway(event.target);
        clearErrors();
        const note = button?.closest(".toast");
        if (note) removeToast(note);
        if (answer.data.said) toast(answer.data.said, "success", answer.data.undo);
        done(event.target, answer.data);
      } else {
        toast(answer.detail, "error");
        refused(event.target, answer);
      }
    } catch {
      toast("There is no connection. Try again when it is back.", "error");
    }
    button?.removeAttribute("aria-busy");
  });
  document.addEventListener("click", (event) => {
    const copy = event.target.closest("[data-copy]");
    const link = event.target.closest(".when");
    if (copy) copyTurn(copy);
    else if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) linkTo(event, link);
  });
}

/** What was sent is not to be sent again: empty the form and close its fold. */
function putAway(form) {
  if (form.id === "act") return;
  form.reset();
  const fold = form.closest("details");
  if (!fold) return;
  if (fold.contains(document.activeElement)) fold.querySelector("summary").focus({ preventScroll: true });
  fold.open = false;
}

async function copyTurn(button) {
  await copy(button.closest(".turn").dataset.text);
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = "Copy"), 1600);
}

async function linkTo(event, link) {
  event.preventDefault();
  document.querySelectorAll(".turn.linked").forEach((turn) => turn.classList.remove("linked"));
  link.closest(".turn").classList.add("linked");
  history.replaceState(null, "", link.href);
  await copy(link.href);
  toast("The link to this turn is copied.");
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Not a secure context: the old way.
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "sr";
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
}
