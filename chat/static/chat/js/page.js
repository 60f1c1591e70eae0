// Every page: toasts go by themselves, moments are local, and the account menu closes like a menu.
import { localTimes } from "./times.js";
import { tendToasts } from "./toasts.js";

tendToasts();
localTimes(document);

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll(".account[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector(".account[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
  event.stopImmediatePropagation();
});
