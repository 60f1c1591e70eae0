// The desk stays fresh: every few seconds the page is fetched again and its live parts are put in place.
// Not while it is hidden, nor while somebody works in one of its forms; says so when the server is away.
const EVERY = 5000, PATIENCE = 8000;
const announce = document.getElementById("announce");
const checked = document.querySelector(".checked");
let seen = Date.now(), away = false, typed = false;

const parts = (page) => page.querySelectorAll("[data-live][id]");
const told = (page) => [...page.querySelectorAll("[data-announce]")].map((part) => part.dataset.announce).join(" ");
// Spans of time tick by themselves: they are no news.
const news = (text) => text.replace(/(for|in) [\d.]+ (s|min|h|days)/g, "");

function inUse() {
  const at = document.activeElement;
  return typed || document.hidden || Boolean(getSelection()?.toString()) || Boolean(at?.closest("form.act, select, textarea"));
}

function put(fresh) {
  const before = told(document);
  for (const part of parts(document)) {
    const other = fresh.getElementById(part.id);
    if (!other || other.innerHTML === part.innerHTML) continue;
    const focused = part.contains(document.activeElement) ? document.activeElement : null;
    const open = [...part.querySelectorAll("details[open][id]")].map((one) => one.id);
    part.replaceWith(document.adoptNode(other));
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    if (focused) again(focused, other)?.focus({ preventScroll: true });
  }
  const after = told(document);
  if (news(before) !== news(after)) announce.textContent = after;
}

function again(focused, part) {
  if (focused.id) return document.getElementById(focused.id);
  const same = (one) => one.href === focused.href && one.textContent === focused.textContent;
  return [...part.querySelectorAll(focused.localName)].find(same);
}

async function look() {
  if (inUse()) return;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(PATIENCE) });
    // Signed out meanwhile: the page that came is not this one.
    if (!answer.ok || answer.redirected) throw new Error(answer.statusText);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (inUse()) return;
    put(fresh);
    seen = Date.now();
    away = false;
  } catch {
    if (!away) announce.textContent = "The server does not answer: what you see is stale.";
    away = true;
  }
}

// A part that is under way says how soon it wants to be looked at again.
const every = () => Number(document.querySelector("[data-every]")?.dataset.every) || EVERY;

async function lookOn() {
  await look();
  setTimeout(lookOn, every());
}

function tell() {
  const seconds = Math.round((Date.now() - seen) / 1000);
  checked.classList.toggle("stale", away);
  checked.textContent = away ? `▲ stale: checked ${seconds} s ago` : `checked ${seconds} s ago`;
}

if (checked && parts(document).length) {
  document.addEventListener("input", (event) => { typed ||= Boolean(event.target.closest("form")); });
  document.addEventListener("visibilitychange", look);
  setTimeout(lookOn, every());
  setInterval(tell, 1000);
}

// A second press while the first is on its way is the same decision anyhow; the button says that it was heard.
document.addEventListener("submit", (event) => {
  for (const button of event.target.querySelectorAll("button[type=submit]")) button.setAttribute("aria-busy", "true");
});
