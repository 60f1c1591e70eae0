// Moments in the reader's own time zone and manner; the server writes them in its own.
const hour = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });

/** Rewrite the times of the turns under `root`: the hour today, the day as well before. */
export function localTimes(root) {
  for (const time of root.querySelectorAll(".when time:not([title])")) {
    const moment = new Date(time.dateTime);
    const today = moment.toDateString() === new Date().toDateString();
    time.textContent = today ? hour.format(moment) : `${day.format(moment)}, ${hour.format(moment)}`;
    time.title = whole.format(moment);
  }
}
