// Moments in the reader's own time zone; by 24 hours, as the server writes them.
const hour = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short", hourCycle: "h23" });

/** Rewrite the times of turns and writings under `root`: the hour today, the day as well before. */
export function localTimes(root) {
  for (const time of root.querySelectorAll(":is(.when, .older-than, .written) time:not([title])")) {
    const moment = new Date(time.dateTime);
    const today = moment.toDateString() === new Date().toDateString();
    time.textContent = today ? hour.format(moment) : `${day.format(moment)}, ${hour.format(moment)}`;
    time.title = whole.format(moment);
  }
}
