// The demo's clock runs as any other, from where it was pushed to.
let ahead = 0;
let known = false;

export function setNow(ms) { ahead = ms - Date.now(); known = true; }
export const now = () => Date.now() + ahead;
export const clockKnown = () => known;

const styles = {
  short: { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' },
  t: { hour: '2-digit', minute: '2-digit' },
  T: { hour: '2-digit', minute: '2-digit', second: '2-digit' },
  d: { year: 'numeric', month: '2-digit', day: '2-digit' },
  D: { year: 'numeric', month: 'long', day: 'numeric' },
  f: { year: 'numeric', month: 'long', day: 'numeric', hour: '2-digit', minute: '2-digit' },
  F: { weekday: 'long', year: 'numeric', month: 'long', day: 'numeric', hour: '2-digit', minute: '2-digit' },
};
const formats = {};
const format = (style) => (formats[style] ??= new Intl.DateTimeFormat('en-GB', styles[style] || styles.f));
const distance = new Intl.RelativeTimeFormat('en', { numeric: 'always' });

// relative keeps to hours for three days: the times of check-ins are hours.
export function relative(ms) {
  const by = ms - now();
  const minutes = Math.round(Math.abs(by) / 60000);
  const hours = Math.round(Math.abs(by) / 3600000);
  const sign = by < 0 ? -1 : 1;
  if (minutes === 0) return 'just now';
  if (minutes < 60) return distance.format(sign * minutes, 'minute');
  if (hours <= 72) return distance.format(sign * hours, 'hour');
  return distance.format(sign * Math.round(hours / 24), 'day');
}

export function written(ms, style) {
  if (style === 'R') return relative(ms);
  if (style === 'sent') return sent(ms);
  return format(style).format(ms);
}

// sent is when a message came: the day only where it was another one.
function sent(ms) {
  const day = (at) => new Date(at).toDateString();
  if (day(ms) === day(now())) return format('t').format(ms);
  if (day(ms) === day(now() - 24 * 3600000)) return `Yesterday at ${format('t').format(ms)}`;
  return format('short').format(ms);
}

// when returns a time as the chat shows it, in the reader's own zone.
export function when(ms, style = 'f', className = 'stamp') {
  const el = document.createElement('time');
  el.className = className;
  el.dateTime = new Date(ms).toISOString();
  el.dataset.at = ms;
  el.dataset.style = style;
  el.title = format('F').format(ms);
  el.textContent = written(ms, style);
  return el;
}

// tick brings what is relative up to date.
export function tick(root = document) {
  for (const el of root.querySelectorAll('time[data-style="R"], time[data-style="sent"]')) {
    const text = written(Number(el.dataset.at), el.dataset.style);
    if (el.textContent !== text) el.textContent = text;
  }
}
