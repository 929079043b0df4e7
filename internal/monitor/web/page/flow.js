// The picture of the flow: inputs -> pipeline -> output, with filtered records and dead letters below.
import { h } from "./dom.js";
import { count, rate, span } from "./format.js";

const WIDTH = 1100, MOST = 5;

export function flow(s) {
  const many = s.inputs.length > MOST;
  const shown = many ? s.inputs.slice(0, MOST - 1) : s.inputs;
  const nodes = shown.map((in_) => ({
    name: in_.id, small: `${in_.type} · ${stateName(in_.state)}`, rate: in_.rate.received, kind: bad(in_.state) ? "warn" : "",
  }));
  if (many) {
    const rest = s.inputs.slice(MOST - 1);
    nodes.push({
      name: `${rest.length} more`, small: "see below", rate: rest.reduce((sum, in_) => sum + in_.rate.received, 0),
      kind: rest.some((in_) => bad(in_.state)) ? "warn" : "",
    });
  }
  const step = 66, tall = Math.max(nodes.length * step - 12, 182), height = tall + 8, middle = 4 + Math.max(44, (tall - 94) / 2);
  const f = s.flow, letters = f.dead_lettered, parts = [];
  const fastest = Math.max(s.rate.received, 1e-9);
  const wide = (r) => (r > 0 ? 3 + 9 * Math.sqrt(r / fastest) : 2);

  nodes.forEach((n, i) => {
    const y = 4 + (tall - (nodes.length * step - 12)) / 2 + i * step + 27;
    parts.push(pipe(`M252 ${y} C 330 ${y}, 330 ${middle}, 408 ${middle}`, wide(n.rate), n.rate > 0 ? "good" : ""));
    n.y = y;
  });
  const flowing = s.rate.indexed + s.rate.duplicate > 0 && !s.output.down;
  parts.push(pipe(`M660 ${middle} H 848`, wide(s.rate.indexed + s.rate.duplicate), s.output.down ? "bad" : flowing ? "good" : "", flowing));
  const low = middle + 111;
  parts.push(pipe(`M534 ${middle + 44} V ${low - 27}`, wide(s.rate.filtered), s.rate.filtered > 0 ? "grey" : ""));
  parts.push(pipe(`M660 ${middle + 18} C 770 ${middle + 18}, 740 ${low}, 848 ${low}`, wide(s.rate.dead_lettered), letters > 0 ? "bad" : ""));

  nodes.forEach((n) => parts.push(box(2, n.y - 27, 250, 54, n.kind, n.name, n.small, n.rate > 0 ? `${rate(n.rate)}/s` : "")));
  parts.push(h("g", { class: "node main" }, h("rect", { x: 408, y: middle - 44, width: 252, height: 88, rx: 12 }),
    text(534, middle - 18, "small", "Pipeline", "middle"),
    text(534, middle + 8, "big", `${rate(s.rate.received)} events/s`, "middle"),
    text(534, middle + 29, "small", `${count(f.in_flight)} in flight`, "middle")));
  const more = (s.outputs || []).length, out = (s.outputs || []).find((o) => o.down && !s.output.down) || s.output;
  parts.push(h("g", { class: `node ${out.down ? "bad" : ""}` }, h("rect", { x: 848, y: middle - 44, width: 250, height: 88, rx: 12 }),
    text(866, middle - 18, "small", `Output · ${out.name ? `${out.name}, ` : ""}${out.type}${more > 0 ? ` and ${more} more` : ""}`),
    text(866, middle + 8, "big", count(f.indexed)),
    text(866, middle + 29, "small", out.down ? `down${out.since ? " for " + span((Date.parse(s.now) - Date.parse(out.since)) / 1000) : ""}` :
      f.duplicate > 0 ? `and ${count(f.duplicate)} were there already` : out.latency_seconds > 0 ? `${Math.max(1, Math.round(out.latency_seconds * 1000))} ms a write` : "indexed")));
  parts.push(box(848, low - 27, 250, 54, s.dead_letters.error ? "bad" : letters > 0 ? "warn" : "", "Dead letters",
    letters > 0 ? reasonLine(s) : "none in this run", count(letters)));
  parts.push(box(408, low - 27, 252, 54, "", "Filtered", "taken out on purpose", count(f.filtered)));
  return h("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-labelledby": "flow-t flow-d" },
    h("title", { id: "flow-t" }, "Inputs, pipeline, output and dead letters"), h("desc", { id: "flow-d" }, describe(s)), parts);
}

const bad = (state) => state === "failing" || state === "failed";
export const stateName = (state) => ({ waiting: "waiting for more", failed: "failed for good", starting: "starting" })[state] || state;

function reasonLine(s) {
  const first = s.dead_letters.reasons[0];
  return first ? first.type : "see below";
}

function describe(s) {
  const f = s.flow;
  return `${s.inputs.length} inputs hand ${rate(s.rate.received)} events a second to the pipeline. ${count(f.in_flight)} are in flight. ` +
    `The output ${s.output.type} ${s.output.down ? "is down" : "is up"} and holds ${count(f.indexed)} new and ${count(f.duplicate)} documents that were there already. ` +
    `${count(f.filtered)} records were filtered, ${count(f.dead_lettered)} are dead letters.`;
}

function pipe(d, width, kind, moving) {
  return h("g", {}, h("path", { class: `pipe ${kind}`, d, "stroke-width": width.toFixed(1) }),
    moving !== false && kind === "good" && width > 4 ? h("path", { class: "pulse", d }) : null);
}

const text = (x, y, cls, content, anchor) => h("text", { x, y, class: cls, "text-anchor": anchor }, content);

function box(x, y, width, height, kind, name, small, right) {
  return h("g", { class: `node ${kind}` }, h("rect", { x, y, width, height, rx: 10 }),
    text(x + 16, y + 23, "name", clip(name, right ? 20 : 30)), text(x + 16, y + 41, "small", clip(small, 36)),
    right ? text(x + width - 14, y + 23, "", right, "end") : null);
}

const clip = (s, n) => (s.length > n ? s.slice(0, n - 1) + "…" : s);

// sum is the equation that must hold, in figures.
export function sum(f) {
  const item = (name, n, cls) => h("div", { class: n === 0 ? "zero" : cls }, h("dt", {}, name), h("dd", {}, count(n)));
  const holds = f.received === f.indexed + f.duplicate + f.filtered + f.dead_lettered + f.in_flight + f.returned;
  return h("dl", { class: "sum" },
    item("Received", f.received), sign("="), item("Indexed", f.indexed), sign("+"), item("Duplicate", f.duplicate), sign("+"),
    item("Filtered", f.filtered), sign("+"), item("Dead letters", f.dead_lettered, "dead"), sign("+"), item("In flight", f.in_flight), sign("+"),
    item("Returned", f.returned), h("div", { class: holds ? "check" : "check off" }, h("dt", { class: "quiet" }, "Sum"), h("dd", { class: "plain" }, holds ? "balances" : "does not balance")));
}

const sign = (s) => h("div", { class: "op" }, h("dt", { class: "quiet" }, s === "=" ? "equals" : "plus"), h("dd", { class: "plain", "aria-hidden": "true" }, s));
