// Two charts over one time axis: records by outcome, and the lag. They can be read by pointing, by the arrow keys, and as a table.
import { h, show } from "./dom.js";
import { clock, rate, span } from "./format.js";

const LEFT = 46, BOTTOM = 22, TOP = 8, RIGHT = 2;
const state = new Map(); // by id: {series, at}

const kinds = {
  rate: {
    title: "Events per second",
    lines: [["good", "Indexed"], ["blue", "Duplicate"], ["grey", "Filtered"], ["bad", "Dead letters"]],
    // Batches come when they come: of the short window each point is the mean of ten seconds.
    values: (s) => [s.indexed, s.duplicate, s.filtered, s.dead_lettered].map((list) => mean(list, s.step_seconds < 60 ? 5 : 1, s.step_seconds)),
    stacked: true, format: (v) => `${rate(v)}`,
    scale: (max) => { const top = nice(max); return { of: (v) => v / top, ticks: [0, top / 2, top] }; },
  },
  lag: {
    title: "Lag, eventTime to indexed",
    lines: [["p50", "Half of all"], ["p95", "95 of 100"]],
    values: (s) => [s.lag_p50_seconds, s.lag_p95_seconds].map((list) => list.map((v) => (v < 0 ? null : v))),
    stacked: false, format: span,
    scale: (max, min) => {
      const all = [1, 10, 60, 600, 3600, 36000, 86400, 864000, 8640000, 86400000];
      const low = Math.max(0, all.findLastIndex((t) => t <= Math.max(min, 1)));
      let high = all.findIndex((t) => t >= max);
      high = Math.max(high < 0 ? all.length - 1 : high, low + 2);
      const ticks = all.slice(low, high + 1), a = Math.log(ticks[0]), b = Math.log(ticks.at(-1));
      return { of: (v) => Math.max(0, (Math.log(Math.max(v, ticks[0])) - a) / (b - a)), ticks };
    },
  },
};

function mean(list, n, seconds) {
  let sum = 0;
  return list.map((v, i) => {
    sum += v - (i >= n ? list[i - n] : 0);
    return sum / Math.min(n, i + 1) / seconds;
  });
}

function nice(max) {
  if (max <= 1) return 1;
  const size = 10 ** Math.floor(Math.log10(max));
  return [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].map((n) => n * size).find((n) => n >= max * 1.02) || size * 15;
}

// draw shows a series in the figure with the id of its kind.
export function draw(id, series) {
  const fig = document.getElementById(id), kind = kinds[id], old = state.get(id) || { at: null };
  state.set(id, { series, at: old.at });
  const values = kind.values(series), n = values[0].length;
  const at = old.at === null ? n - 1 : Math.min(old.at, n - 1);
  const end = Date.parse(series.end);
  const when = (i) => new Date(end - (n - 1 - i) * series.step_seconds * 1000);
  // What is drawn as stacked and never happened needs no key, but the first always does.
  const used = kind.lines.map((_, i) => i === 0 || !kind.stacked || values[i].some((v) => v > 0));
  const legend = h("ul", { class: "legend" }, kind.lines.map(([cls, name], i) => used[i] ?
    h("li", {}, h("span", { class: `key ${cls}`, "aria-hidden": "true" }), `${name} `, h("b", {}, value(kind, values[i][at]))) : null));
  const plot = fig.querySelector(".plot");
  const width = Math.max(260, (plot ? plot.clientWidth : 0) || fig.clientWidth - 38);
  const svg = picture(kind, values, used, series, width, 190, old.at === null ? null : at, when);
  show(fig,
    h("figcaption", {}, h("h3", {}, kind.title), old.at === null ? null : h("span", { class: "note" }, clock(when(at), series.step_seconds < 60)), legend),
    h("div", { class: "plot", tabindex: 0, role: "group", "aria-label": `${kind.title}: chart, the arrow keys read single points` }, svg),
    h("details", {}, h("summary", {}, "As a table"), table(kind, values, used, when, series)));
  bind(fig, id);
}

const value = (kind, v) => (v === null || v === undefined ? "–" : kind.format(v));

function picture(kind, values, used, series, width, height, at, when) {
  const n = values[0].length, points = Math.round(series.window_seconds / series.step_seconds);
  const x = (i) => LEFT + ((points - n + i) / (points - 1)) * (width - LEFT - RIGHT);
  const stacks = values.map((list, k) => list.map((v, i) => (kind.stacked ? values.slice(0, k + 1).reduce((sum, l) => sum + l[i], 0) : v)));
  const all = stacks.flat().filter((v) => v !== null);
  const scale = kind.scale(Math.max(0, ...all), Math.min(...all.filter((v) => v > 0), Infinity) === Infinity ? 1 : Math.min(...all.filter((v) => v > 0)));
  const y = (v) => TOP + (1 - scale.of(v)) * (height - TOP - BOTTOM);
  const parts = [];
  for (const tick of scale.ticks) {
    parts.push(h("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(tick).toFixed(1), y2: y(tick).toFixed(1) }),
      h("text", { class: "small", x: LEFT - 8, y: (y(tick) + 4).toFixed(1), "text-anchor": "end" }, kind.format(tick)));
  }
  const minutes = series.window_seconds / 60;
  for (const part of [0, 0.5, 1]) {
    const name = part === 1 ? "now" : `−${span(minutes * 60 * (1 - part))}`;
    parts.push(h("text", { class: "small", x: (LEFT + part * (width - LEFT - RIGHT)).toFixed(1), y: height - 5, "text-anchor": part === 0 ? "start" : part === 1 ? "end" : "middle" }, name));
  }
  kind.lines.map((line, k) => [line, k]).reverse().forEach(([[cls], k]) => {
    if (!used[k] || n === 0) return;
    const line = path(stacks[k], x, y);
    if (kind.stacked) {
      const below = k === 0 ? stacks[0].map(() => 0) : stacks[k - 1];
      const back = below.map((v, i) => `L${x(i).toFixed(1)} ${y(v).toFixed(1)}`).reverse().join("");
      parts.push(h("path", { class: `area ${cls}`, d: line + back + "Z" }));
    }
    if (!kind.stacked || k === 0) parts.push(h("path", { class: `edge ${cls}`, d: line }));
  });
  if (at !== null) parts.push(h("line", { class: "cursor", x1: x(at).toFixed(1), x2: x(at).toFixed(1), y1: TOP, y2: height - BOTTOM }));
  const now = kind.lines.map(([, name], k) => (used[k] ? `${name} ${value(kind, values[k].at(-1))}` : null)).filter(Boolean).join(", ");
  return h("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${kind.title}, the last ${span(series.window_seconds)}. Now: ${now}.`, preserveAspectRatio: "none" }, parts);
}

// path leaves gaps where nothing was measured for a while.
function path(list, x, y) {
  let d = "", gap = Infinity;
  list.forEach((v, i) => {
    if (v === null) { gap++; return; }
    d += `${gap > 5 ? "M" : "L"}${x(i).toFixed(1)} ${y(v).toFixed(1)}`;
    gap = 0;
  });
  return d;
}

// table has ten rows at most, each of the mean of what lies between.
function table(kind, values, used, when, series) {
  const n = values[0].length, step = Math.max(1, Math.ceil(n / 10)), rows = [];
  for (let end = n; end > 0 && rows.length < 10; end -= step) {
    const from = Math.max(0, end - step);
    const mean = (list) => { const own = list.slice(from, end).filter((v) => v !== null); return own.length ? own.reduce((a, b) => a + b, 0) / own.length : null; };
    rows.push(h("tr", {}, h("th", { scope: "row" }, clock(when(end - 1), series.step_seconds < 60)),
      values.map((list, k) => (used[k] ? h("td", { class: "num" }, value(kind, mean(list))) : null))));
  }
  return h("table", {}, h("caption", { class: "quiet" }, `${kind.title}, means`),
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Until"), kind.lines.map(([, name], k) => (used[k] ? h("th", { scope: "col", class: "num" }, name) : null)))),
    h("tbody", {}, rows));
}

function bind(fig, id) {
  if (fig.dataset.bound) return;
  fig.dataset.bound = "yes";
  const plot = fig.querySelector(".plot");
  const move = (at) => { const s = state.get(id); s.at = at; draw(id, s.series); };
  plot.addEventListener("pointermove", (e) => {
    const { series } = state.get(id), box = plot.getBoundingClientRect();
    const n = series.indexed.length, points = Math.round(series.window_seconds / series.step_seconds);
    const part = (e.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT);
    const i = Math.round(part * (points - 1)) - (points - n);
    move(i < 0 || i >= n ? null : i);
  });
  plot.addEventListener("pointerleave", () => move(null));
  plot.addEventListener("blur", () => move(null));
  plot.addEventListener("keydown", (e) => {
    const { series, at } = state.get(id), n = series.indexed.length;
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 };
    if (e.key === "Escape") move(null);
    else if (e.key in steps && n > 0) {
      move(Math.max(0, Math.min(n - 1, (at === null ? n - 1 : at) + steps[e.key])));
      e.preventDefault();
    }
  });
}

// forget is for another window: the point that was read is no longer there.
export function forget() { for (const s of state.values()) s.at = null; }
