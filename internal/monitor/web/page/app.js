import { h, show } from "./dom.js";
import { ago, brief, bytes, count, rate, span, until } from "./format.js";
import { flow, stateName, sum } from "./flow.js";
import { draw, forget } from "./charts.js";

const $ = (id) => document.getElementById(id);
const EVERY = 2000;
let current = "10m", series = null, seriesAt = 0, timer = 0, asking = null, said = "";

const names = { starting: "Starting", running: "Running", degraded: "Needs attention", blocked: "Cannot deliver", stopping: "Stopping", lost: "No answer" };

async function get(path, signal) {
  const res = await fetch(path, { signal, headers: { Accept: "application/json" } });
  if (!res.ok) throw new Error(`${path} answered ${res.status}`);
  return res.json();
}

async function refresh() {
  clearTimeout(timer);
  if (asking) asking.abort();
  const own = (asking = new AbortController());
  const limit = setTimeout(() => own.abort(), 8000);
  try {
    const fresh = Date.now() - seriesAt < (current === "10m" ? 1 : 30) * 1000;
    const [s, line] = await Promise.all([get("/api/v1/status", own.signal), fresh ? series : get(`/api/v1/series?window=${current}`, own.signal)]);
    if (line !== series) { series = line; seriesAt = Date.now(); }
    render(s);
  } catch (err) {
    if (asking === own) lost();
  } finally {
    clearTimeout(limit);
    if (asking === own && !document.hidden) timer = setTimeout(refresh, EVERY);
  }
}

function setState(name) {
  $("state").dataset.state = name;
  $("state-text").textContent = names[name];
  document.title = name === "running" ? "Trailbeat" : `${names[name]} – Trailbeat`;
}

function announce(text) {
  if (text !== said) $("announce").textContent = said = text;
}

function lost() {
  setState("lost");
  announce("The process does not answer. The figures are old.");
}

function render(s) {
  setState(s.state);
  announce([names[s.state], ...s.problems.map((p) => `${title(p)}: ${p.text}`)].join(". "));
  const p = s.program;
  $("about").textContent = [p.agent, p.version, `up ${span(p.uptime_seconds)}`].filter(Boolean).join("  ·  ");
  $("problems").hidden = s.problems.length === 0;
  show($("problem-list"), s.problems.map((q) => problem(q, s)));
  $("flow-note").textContent = s.lag.events > 0 ? `Half of all events are indexed within ${span(s.lag.p50_seconds)}, 95 of 100 within ${span(s.lag.p95_seconds)}.` : "";
  show($("flow"), flow(s));
  show($("sum"), sum(s.flow));
  if (series) { draw("rate", series); draw("lag", series); }
  show($("inputs"), s.inputs.map((in_) => input(in_, s)));
  const outs = s.outputs || [], rules_ = s.rules || [];
  $("outputs-part").hidden = outs.length === 0;
  show($("outputs"), outs.length > 0 ? outputs([s.output, ...outs], s) : []);
  $("rules-part").hidden = rules_.length === 0;
  show($("rules"), rules_.length > 0 ? rules(rules_, s) : []);
  show($("places"), places(s));
  top(s);
  integrity(s);
  letters(s);
  const c = s.process;
  $("process").textContent = `${bytes(c.memory_bytes)} memory, ${span(c.cpu_seconds)} CPU time on ${c.cores} cores, ${c.goroutines} goroutines`;
}

const title = (p) => ({ output: "The output takes nothing", dead_letters: "Dead letters cannot be stored", integrity: "The past is not complete" })[p.where] || p.where.replace(/^input (.*)/, "Input $1 cannot read").replace(/^output (.*)/, "The output $1 takes nothing");

function problem(p, s) {
  return h("li", { class: p.blocking ? "blocking" : "" },
    h("h3", {}, title(p), p.since ? h("span", { class: "note" }, `  since ${span((Date.parse(s.now) - Date.parse(p.since)) / 1000)}`) : null),
    h("p", {}, p.text || "no reason is known"), p.hint ? h("p", { class: "hint" }, p.hint) : null);
}

const units = { file: "files", object: "objects", message: "messages", log_event: "log events", event: "events" };

function fact(name, value, cls) {
  return value === null || value === "" || value === undefined ? null : h("div", { class: cls }, h("dt", {}, name), h("dd", {}, value));
}

function input(in_, s) {
  const kind = in_.state === "failing" || in_.state === "failed" ? "bad" : in_.state === "reading" || in_.state === "running" ? "good" : "";
  const unit = units[in_.unit] || "", f = in_.flow;
  return h("article", { class: "card", "aria-label": `Input ${in_.id}` },
    h("header", {}, h("h3", {}, in_.id), h("span", { class: "src" }, in_.source || in_.type), h("span", { class: `tag ${kind}` }, stateName(in_.state))),
    h("dl", { class: "facts" },
      fact("Received", count(f.received)), fact("Rate", `${rate(in_.rate.received)}/s`),
      unit ? fact(`${unit[0].toUpperCase()}${unit.slice(1)} read`, count(in_.read)) : null,
      in_.open > 0 ? fact("Open", count(in_.open)) : null,
      in_.waiting >= 0 ? fact("Queue", `${count(in_.waiting)} waiting`) : null,
      in_.skipped > 0 ? fact("Skipped", count(in_.skipped)) : null,
      in_.failing > 0 ? fact("Cannot be read yet", count(in_.failing)) : null,
      in_.leases ? fact("Folders of this process", `${count(in_.leases.held)} of ${count(in_.leases.known)}`) : null,
      in_.leases ? fact("Processes that share", count(in_.leases.members)) : null,
      in_.leases && in_.leases.taken_over > 0 ? fact("Folders taken over", count(in_.leases.taken_over)) : null,
      in_.leases && in_.leases.lost > 0 ? fact("Folders lost", count(in_.leases.lost)) : null,
      in_.leases && in_.leases.renewals_failed > 0 ? fact("Leases not renewed", count(in_.leases.renewals_failed)) : null,
      in_.bytes > 0 ? fact("Size", bytes(in_.bytes)) : null,
      in_.last_batch ? fact("Last records", ago(in_.last_batch, s.now)) : null,
      in_.next_poll ? fact("Next look", until(in_.next_poll, s.now)) : null,
      in_.last_object ? fact("Last object", h("span", { class: "mono break" }, in_.last_object), "wide") : null),
    in_.last_error ? h("div", { class: "trouble" }, h("p", {}, h("b", {}, `Last error${in_.last_error_time ? ", " + ago(in_.last_error_time, s.now) : ""}: `), in_.last_error),
      in_.last_error_hint ? h("p", {}, h("b", {}, "To mend it: "), in_.last_error_hint) : null) : null);
}

function outputs(list, s) {
  const col = (name, cls) => h("th", { scope: "col", class: cls }, name), num = (v) => h("td", { class: "num" }, v);
  return h("table", {}, h("caption", { class: "quiet" }, "Outputs"),
    h("thead", {}, h("tr", {}, col("Output"), col("Type"), col("State"), col("Documents sent", "num"), col("Sent again", "num"), col("Refused", "num"), col("A write", "num"), col("Last write", "num"))),
    h("tbody", {}, list.map((o) => h("tr", {}, h("th", { scope: "row" }, o.name || "default"), h("td", {}, o.type),
      h("td", {}, h("span", { class: `tag ${o.down ? "bad" : "good"}` }, o.down ? "down" : "up")),
      num(count(o.sent)), num(count(o.retried)), num(count(o.refused)),
      num(o.latency_seconds > 0 ? `${Math.max(1, Math.round(o.latency_seconds * 1000))} ms` : "–"), num(o.last_write ? ago(o.last_write, s.now) : "–")))));
}

const places_ = { discard: "nowhere", dead_letters: "dead letters" };

function rules(list, s) {
  const col = (name, cls) => h("th", { scope: "col", class: cls }, name), all = Math.max(1, s.flow.received);
  const target = (r) => [places_[r.output] || r.output, r.dataset ? `dataset ${r.dataset}` : "", r.namespace ? `namespace ${r.namespace}` : ""].filter(Boolean).join(", ");
  return h("table", {}, h("caption", { class: "quiet" }, "Rules"),
    h("thead", {}, h("tr", {}, col("Rule"), col("Of"), col("Goes to"), col("Events", "num"), col("Of all", "num"))),
    h("tbody", {}, list.map((r) => h("tr", {}, h("th", { scope: "row", class: "break" }, r.name), h("td", {}, r.kind), h("td", {}, target(r)),
      h("td", { class: "num" }, count(r.events)), h("td", { class: "num" }, `${((100 * r.events) / all).toFixed(1)} %`)))));
}

function spark(list) {
  const max = Math.max(1, ...list), step = 130 / (list.length - 1);
  const d = list.map((v, i) => `${i ? "L" : "M"}${(1 + i * step).toFixed(1)} ${(20 - (v / max) * 18).toFixed(1)}`).join("");
  return h("svg", { class: "spark", viewBox: "0 0 132 22", "aria-hidden": "true" }, h("path", { d }));
}

function places(s) {
  if (s.places.length === 0) return h("p", { class: "empty" }, "No event has arrived yet.");
  const shown = s.places.slice(0, 20), rest = s.places.length - shown.length;
  const col = (name, cls) => h("th", { scope: "col", class: cls }, name);
  return [h("table", {}, h("caption", { class: "quiet" }, "Accounts and regions"),
    h("thead", {}, h("tr", {}, col("Account"), col("Region"), col("Events", "num"), col("Per second", "num"), col("Lag, half", "num"), col("Lag, 95 of 100", "num"), col("Newest event", "num"), col("Last hour"))),
    h("tbody", {}, shown.map((p) => h("tr", {}, h("th", { scope: "row" }, p.account || "not known"), h("td", {}, p.region || "not known"),
      h("td", { class: "num" }, count(p.events)), h("td", { class: "num" }, rate(p.rate)),
      h("td", { class: "num" }, p.lag.events ? span(p.lag.p50_seconds) : "–"),
      h("td", { class: "num" }, h("span", { class: p.lag.p95_seconds > 1800 ? "late" : "" }, p.lag.events ? span(p.lag.p95_seconds) : "–")),
      h("td", { class: "num" }, p.last_event ? ago(p.last_event, s.now) : "–"), h("td", {}, spark(p.minutes)))))),
  rest > 0 ? h("p", { class: "empty" }, `${rest} more are in the metrics.`) : null];
}

function top(s) {
  const t = s.top;
  $("top-note").textContent = s.program.details ? `The last ${span(t.seconds)}, estimated by samples where much passes.` : "Switched off: http.details is false.";
  const list = (name, l, none) => {
    const most = Math.max(1, ...l.items.map((i) => i.count));
    return h("div", { class: "panel quad" }, h("h3", {}, name), l.items.length === 0 ? h("p", { class: "empty" }, none) :
      h("ol", {}, l.items.slice(0, 8).map((i) => h("li", {},
        h("svg", { class: "bar", "aria-hidden": "true", preserveAspectRatio: "none" }, h("rect", { width: `${(100 * i.count) / most}%`, height: "100%", rx: 4 })),
        h("span", { class: "label", title: i.name }, nameOf(i.name), i.detail ? h("small", {}, i.detail.replace(/\.amazonaws\.com$/, "")) : null),
        h("span", {}, brief(i.count))))));
  };
  show($("top"), s.program.details ? [list("Actions", t.actions, "None yet."), list("Principals", t.principals, "None yet."),
    list("Source countries", t.countries, "None. Locations need pipeline.geoip.city, and addresses that are in it."), list("Errors", t.errors, "None.")] : []);
}

// nameOf leaves out what all ARNs have in common.
const nameOf = (name) => name.replace(/^arn:[^:]*:(iam|sts)::/, "");

function letters(s) {
  const d = s.dead_letters;
  $("letters-note").textContent = d.place;
  if (d.total === 0) {
    show($("letters"), h("div", { class: "panel flush" }, h("p", { class: "empty" }, "None in this run.")));
    return;
  }
  const col = (name, cls) => h("th", { scope: "col", class: cls }, name);
  show($("letters"), h("div", { class: "panel flush" },
    h("div", { class: "reasons" }, d.reasons.map((r) => h("span", { class: "tag warn" }, `${r.type}  ${count(r.count)}`))),
    h("div", { class: "scroll", role: "region", "aria-label": "Latest dead letters", tabindex: 0 },
      h("table", {}, h("caption", { class: "quiet" }, "The latest dead letters"),
        h("thead", {}, h("tr", {}, col("When"), col("Reason"), col("Input"), col("Record"), col("Size", "num"))),
        h("tbody", {}, d.recent.slice(0, 6).map((l) => h("tr", {}, h("td", {}, ago(l.time, s.now)),
          h("td", { class: "wide" }, h("b", {}, l.type), l.status ? ` (${l.status})` : "", h("div", { class: "break" }, l.reason),
            l.sample ? h("details", { class: "sample" }, h("summary", {}, "Beginning of the record"), h("pre", {}, l.sample)) : null),
          h("td", {}, l.input), h("td", { class: "wide" }, h("span", { class: "mono break", title: l.origin || null }, `${fileName(l.origin)} #${l.index}`)),
          h("td", { class: "num" }, bytes(l.size)))))))));
}

function integrity(s) {
  const i = s.integrity;
  $("integrity-part").hidden = !i;
  if (!i) return;
  const found = i.findings.map((f) => `${f.check}: ${count(f.complete)} complete, ${count(f.incomplete)} not`).join("; ");
  $("integrity-note").textContent = [i.checked_until ? `Looked at up to ${i.checked_until.slice(0, 16).replace("T", " ")} UTC.` : "Nothing was looked at yet.",
    i.running ? "A check is being made." : i.last_check ? `The last check ended ${ago(i.last_check, s.now)}.` : "", found].filter(Boolean).join(" ");
  const col = (name, cls) => h("th", { scope: "col", class: cls }, name);
  show($("integrity"), i.incomplete.length === 0 ? h("p", { class: "empty" }, i.checked_until ? "Every hour that was looked at is complete." : "Nothing yet.") :
    h("table", {}, h("caption", { class: "quiet" }, `Hours that are not complete: ${count(i.incomplete_hours)}`),
      h("thead", {}, h("tr", {}, col("Hour (UTC)"), col("Check"), col("Account"), col("Region"), col("Reason"), col("Missing", "num"))),
      h("tbody", {}, i.incomplete.map((o) => h("tr", {}, h("td", {}, o.hour ? o.hour.slice(0, 16).replace("T", " ") : "no time"),
        h("td", {}, o.check), h("td", { class: "mono" }, o.account), h("td", {}, o.region), h("td", {}, o.reason), h("td", { class: "num" }, count(o.missing)))))));
}

// fileName is what tells files apart; the rest of the name shows when it is pointed at.
const fileName = (path) => (path || "").split("/").at(-1);

document.querySelectorAll("[data-window]").forEach((button) => button.addEventListener("click", () => {
  current = button.dataset.window;
  document.querySelectorAll("[data-window]").forEach((b) => b.setAttribute("aria-pressed", String(b === button)));
  seriesAt = 0;
  forget();
  refresh();
}));
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); else clearTimeout(timer); });
addEventListener("resize", () => { if (series) { draw("rate", series); draw("lag", series); } });
refresh();
