// The chat page: puts its parts together and hands each frame to the part it concerns.
import { tendActs } from "./acts.js";
import { post } from "./asking.js";
import { Composer } from "./composer.js";
import { Due } from "./due.js";
import { Facts } from "./facts.js";
import { tendKeys } from "./keys.js";
import { freshen, tendPanels } from "./panels.js";
import { Preview } from "./preview.js";
import { Scroll } from "./scroll.js";
import { Seek } from "./seek.js";
import { Status } from "./status.js";
import { tendTabs } from "./tabs.js";
import { localTimes } from "./times.js";
import { clearToasts, toast } from "./toasts.js";
import { Transcript } from "./transcript.js";
import { Wire } from "./wire.js";
import { acted, ended, endRow, markOutdated, outrun, rewritten, tendWritings } from "./writings.js";

const here = (id) => document.getElementById(id);
const page = here("app").dataset;
const detached = "detached" in page;

const scroll = new Scroll(here("transcript"), here("leaves"), here("jump"));
const transcript = new Transcript(here("leaves"), scroll, { older: page.older, detached });
const preview = detached ? null : new Preview(here("pending"), scroll);
const facts = new Facts(here("pane-story"), here("leaves"), scroll);
const seek = new Seek(here("search"), here("chat-list"), here("found"));
const status = new Status(here("status"), page.title);
const composer = new Composer(here("composer"), {
  chat: page.chat,
  send: (turn) => wire.ask({ type: "turn", ...turn }),
  stop,
  lastOwn: () => transcript.lastOwn(),
  posted,
});
const due = new Due({
  preview,
  composer,
  status,
  transcript,
  scroll,
  look: refreshHead,
  connected: () => wire.open,
});
let connected = false;

const frames = {
  hello() {
    if (connected || composer.running) due.reconcile();
    connected = true;
  },
  generation(frame) {
    if (frame.state === "started") due.begin(frame);
    else if (frame.state === "deciding") due.decide(frame);
    else {
      ended(frame);
      due.end(frame);
    }
  },
  snapshot(frame) {
    due.begin(frame);
    if (preview?.generation === frame.generation) preview.set(frame.text);
  },
  delta(frame) {
    if (preview?.generation === frame.generation) preview.add(frame.offset, frame.text);
  },
  turn_html(frame) {
    const turn = transcript.insert(frame.html);
    const isNew = Number(turn?.dataset.turn) === frame.position;
    // One that came back brought with it what it had caused, and nothing is older than its absence any more.
    if (!isNew) {
      refreshFacts();
      refreshWritings();
    }
    if (!turn) return;
    // Its answer goes before what was still to be rewritten.
    if (isNew && turn.matches(".player")) endRow();
    due.settle(turn, frame.generation);
    facts.place();
    if (composer.running && turn.matches(".player")) transcript.queue(turn);
    seek.refresh();
    refreshReading();
    if (here("tour")) refreshHead();
  },
  turn_html_replace(frame) {
    const turn = transcript.replace(frame.html, frame.supersedes_id);
    if (turn) due.settle(turn, frame.generation);
    refreshFacts();
    rewritten(frame, page);
    refreshWritings();
  },
  turn_html_remove(frame) {
    transcript.remove(frame.turn_id);
    refreshFacts();
    refreshWritings();
  },
  mark_html(frame) {
    transcript.mark(frame.html);
    refreshHead();
  },
  chat: refreshHead,
  story: refreshFacts,
  reset() {
    if (!detached) transcript.reload().then(reloaded, () => location.reload());
  },
  error(frame) {
    toast(frame.detail, "error");
  },
};

function posted() {
  if (detached) location.assign(page.page);
  clearToasts();
  document.querySelector("#tour.over")?.remove();
  scroll.toNewest({ focus: false });
  due.follow();
}

function reloaded() {
  preview.place();
  return due.reconcile();
}

async function refreshHead() {
  try {
    const pending = await freshen(page.panel);
    due.dress(pending);
    endTour();
    status.rename(here("scene").querySelector("h1").textContent);
    transcript.retitle(here("scene").dataset);
    transcript.repaint();
    composer.offer();
    facts.place();
    seek.refresh();
    refreshFacts();
    return pending;
  } catch {
    // The connection is gone again; the next one asks anew.
    return null;
  }
}

/** The card that congratulates does so once: whoever has seen it finds it put away on the next page. */
function endTour() {
  const over = document.querySelector("#tour.over form");
  if (over) post(over.action).catch(() => {});
}

function putTourAway() {
  here("tour").remove();
  here("transcript").focus({ preventScroll: true });
}

/** What turns have caused, and what is still to be read of them. */
function refreshFacts() {
  facts.refresh();
  refreshReading();
}

/** The line that says what is still being read; it goes on asking by itself while something is. */
function refreshReading() {
  document.body.dispatchEvent(new Event("refresh-reading"));
}

/** The writings of a turn changed: what it had caused went or came, and later turns may be older than it. */
function refreshWritings() {
  clearTimeout(refreshWritings.soon);
  refreshWritings.soon = setTimeout(() => {
    markOutdated(transcript.turns, page.turns).catch(() => {});
    refreshHead();
  }, 150);
}

function stop() {
  if (!composer.running) return false;
  if (!wire.tell({ type: "stop" })) {
    post(here("composer").dataset.cancel).catch(() => toast("There is no connection. It goes on for now.", "error"));
  }
  return true;
}

function showConnection(state) {
  const bar = here("offline");
  bar.hidden = state === "open";
  if (state === "lost") bar.textContent = "Connection lost. Trying again…";
  if (state === "gone") {
    bar.replaceChildren("This story is closed to you now: you were signed out, or it was deleted.");
    const link = document.createElement("a");
    link.href = page.page;
    link.textContent = "Look again";
    bar.append(" ", link);
  }
}

tendPanels();
tendTabs();
tendKeys({ stop });
document.addEventListener("htmx:after:swap", () => localTimes(here("leaves")));
tendActs({
  done(form, data) {
    acted(data);
    // Its first frame may have been quicker than this answer.
    if (data.generation || data.rewrites) preview?.keepInSight();
    if (form.closest("#tour")) putTourAway();
    if (form.id !== "act" && !data.generation) refreshHead();
  },
  refused: outrun,
});
tendWritings();
const target = location.hash.startsWith("#turn-") && here(location.hash.slice(1));
scroll.hold(target);
if (!target && preview?.article) preview.keepInSight();
const wire = new Wire({
  socket: page.socket,
  events: page.events,
  position: Number(page.position),
  onFrame: (frame) => frames[frame.type]?.(frame),
  onState: showConnection,
});
facts.refresh();
endTour();
