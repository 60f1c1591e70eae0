// Before the first paint: say that scripts run, and close the panels that were closed last time.
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  try {
    for (const side of ["chats", "known"]) {
      if (localStorage.getItem(`palimpsest:${side}`) === "closed") root.classList.add(`no-${side}`);
    }
  } catch {
    // Without storage nothing was kept.
  }
})();
