// Moments in the reader's own time zone, written as the server writes them.
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const two = (number) => String(number).padStart(2, "0");
const hour = (moment) => `${two(moment.getHours())}:${two(moment.getMinutes())}`;
const day = (moment) => `${moment.getDate()} ${MONTHS[moment.getMonth()]}`;

/** Rewrite the moments under `root`: the hour today, the day as well before, and the year when it is another. */
export function localTimes(root) {
  for (const time of root.querySelectorAll("time.moment:not([title])")) {
    const moment = new Date(time.dateTime);
    time.textContent = shortly(moment, new Date());
    time.title = `${day(moment)} ${moment.getFullYear()}, ${hour(moment)}`;
  }
}

function shortly(moment, now) {
  if (moment.toDateString() === now.toDateString()) return hour(moment);
  const year = moment.getFullYear() === now.getFullYear() ? "" : ` ${moment.getFullYear()}`;
  return `${day(moment)}${year}, ${hour(moment)}`;
}
