// The keys of the page, as the chat apps people know have them.
import { openSide } from "./panels.js";

/** `stop()` is asked on Esc while a reply runs and nothing else is open; it says whether it did. */
export function tendKeys({ stop }) {
  document.addEventListener("keydown", (event) => {
    const held = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
    if (held && event.key.toLowerCase() === "k") search(event);
    else if (held && event.key === "/") showKeys(event);
    else if (event.key === "Escape" && !event.isComposing && !document.querySelector("dialog[open]")) {
      if (stop()) event.preventDefault();
    }
  });
}

function search(event) {
  event.preventDefault();
  document.getElementById("keys").close();
  const field = document.getElementById("search");
  if (!field.checkVisibility()) openSide("chats");
  field.focus();
  field.select();
}

function showKeys(event) {
  event.preventDefault();
  const keys = document.getElementById("keys");
  if (keys.open) keys.close();
  else keys.showModal();
}
