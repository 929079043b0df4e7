const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

export const count = (n) => whole.format(n);
export const brief = (n) => (Math.abs(n) < 10000 ? whole.format(n) : short.format(n));

export function rate(n) {
  if (n === 0) return "0";
  if (n < 0.1) return "<0.1";
  return n < 10 ? n.toFixed(1) : brief(n);
}

// span says how long: two units at most.
export function span(seconds) {
  if (!(seconds >= 0)) return "–";
  if (seconds < 1) return "<1 s";
  const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  const at = units.findIndex(([, size]) => seconds >= size);
  const [name, size] = units[at];
  const first = Math.floor(seconds / size);
  if (at === 3) return `${Math.round(seconds)} s`;
  const [lower, part] = units[at + 1];
  const rest = Math.floor((seconds - first * size) / part);
  return rest > 0 && first < 10 ? `${first} ${name} ${rest} ${lower}` : `${first} ${name}`;
}

export function bytes(n) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let i = 0;
  while (n >= 1000 && i < units.length - 1) { n /= 1000; i++; }
  return `${i === 0 || n >= 100 ? Math.round(n) : n.toFixed(1)} ${units[i]}`;
}

// ago and until take times of the API and the clock of the process, which need not be that of the browser.
export const ago = (time, now) => `${span(Math.max(0, (Date.parse(now) - Date.parse(time)) / 1000))} ago`;

export function until(time, now) {
  const s = (Date.parse(time) - Date.parse(now)) / 1000;
  return s <= 0 ? "now" : `in ${span(s)}`;
}

export const clock = (date, seconds) => date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", second: seconds ? "2-digit" : undefined });
