// How the server is and what it does, now and in the last hour.

import { card, clock, h, millis, number, outcome, pill, redraw, since, table } from "./dom.js";
import { chart } from "./chart.js";

const tile = (title, value, more) => h("div", { class: "tile" }, h("span", { class: "label" }, title), h("strong", null, value), more && h("span", { class: "more" }, more));

const percent = (part, all) => (all ? `${((100 * part) / all).toFixed(part && part / all < 0.1 ? 1 : 0)} %` : "–");

const TOGETHER = 3;

// A whole hour, also where the server is younger, some steps together so that a mark can be seen.
function hour({ steps, step_seconds: seconds, at }) {
  const last = steps.at(-1)?.at ?? at, wide = seconds * TOGETHER, count = Math.round(3600 / wide);
  const all = Array.from({ length: count }, (_, index) => ({ at: last - wide * (count - 1 - index), calls: 0, errors: 0, refusals: 0 }));
  const most = (one, other) => (one === undefined || one === null ? other : other === undefined || other === null ? one : Math.max(one, other));
  for (const step of steps) {
    const one = all[count - 1 - Math.floor((last - step.at) / wide)];
    if (!one) continue;
    for (const key of ["calls", "errors", "refusals"]) one[key] += step[key];
    for (const key of ["p50_ms", "p95_ms", "p99_ms"]) one[key] = most(one[key], step[key]);
  }
  return all;
}

export function overview(root, { told }) {
  const { numbers, health, me } = told;
  const steps = hour(numbers);
  const totals = numbers.totals, wrong = totals.failed + totals.timed_out;
  const parts = [
    h("div", { class: "tiles" },
      tile("Calls", number(totals.calls), me.sees_all ? `in ${since(numbers.uptime_seconds)}` : "yours"),
      tile("Running now", number(numbers.in_flight)),
      tile("Errors", number(wrong), percent(wrong, totals.calls)),
      tile("Refused", number(totals.refused), percent(totals.refused, totals.calls)),
      tile("Given to models", `≈ ${number(totals.result_tokens)}`, "tokens"),
      me.sees_all && tile("Sessions", number(numbers.sessions.reduce((sum, [, count]) => sum + count, 0)), numbers.sessions.filter(([, count]) => count).map(([kind, count]) => `${count} ${kind}`).join(", "))),
    sources(health),
  ];
  if (me.sees_all) {
    parts.push(h("div", { class: "pair" },
      card("Calls", chart(`Calls every ${numbers.step_seconds * TOGETHER} s`, steps, [
        { name: "ok", kind: "good", of: (step) => Math.max(0, step.calls - step.errors - step.refusals) },
        { name: "errors", kind: "bad", of: (step) => step.errors },
        { name: "refused", kind: "careful", of: (step) => step.refusals }], { bars: true })),
      card("Latency", chart("Latency", steps, [
        { name: "p50", kind: "good", of: (step) => step.p50_ms },
        { name: "p95", kind: "careful", of: (step) => step.p95_ms },
        { name: "p99", kind: "bad", of: (step) => step.p99_ms }], { unit: "ms" }))));
    parts.push(h("div", { class: "pair" }, tools(numbers.tools), callers(numbers.principals)));
  }
  parts.push(flights(numbers.flights));
  parts.push(h("div", { class: "pair" },
    noted("Refused lately", numbers.refusals, "Nothing was refused."),
    noted("Flagged lately", numbers.flagged, "Nothing was flagged.")));
  redraw(root, parts);
}

function sources(health) {
  const words = health.reason && h("p", { class: "notice" }, health.reason);
  return card("Sources", words, table("Sources", [
    { title: "Source", of: (it) => h("strong", null, it.name) },
    { title: "Kind", of: (it) => it.kind },
    { title: "State", of: (it) => outcome(it.state) },
    { title: "For", of: (it) => since(it.since_seconds) },
    { title: "Why", of: (it) => it.reason ?? "" },
  ], health.sources, "This server has no sources."));
}

const byCalls = (one, other) => other.totals.calls - one.totals.calls;

function tools(all) {
  return card("Top tools", table("Top tools", [
    { title: "Name", of: (it) => h("code", null, it.name) },
    { title: "Calls", number: true, of: (it) => number(it.totals.calls) },
    { title: "Errors", number: true, of: (it) => number(it.totals.failed + it.totals.timed_out) },
    { title: "Mean", number: true, of: (it) => millis(it.mean_ms) },
    { title: "p95 ≤", number: true, of: (it) => millis(it.p95_ms) },
  ], [...all].sort(byCalls).slice(0, 10), "No calls yet."));
}

function callers(all) {
  return card("Top callers", table("Top callers", [
    { title: "Who", of: (it) => it.principal },
    { title: "By", of: (it) => it.auth },
    { title: "Calls", number: true, of: (it) => number(it.totals.calls) },
    { title: "Refused", number: true, of: (it) => number(it.totals.refused) },
    { title: "Tokens ≈", number: true, of: (it) => number(it.totals.result_tokens) },
  ], [...all].sort(byCalls).slice(0, 10), "No callers yet."));
}

function flights(all) {
  return card("Running now", table("Calls that run now", [
    { title: "Name", of: (it) => h("code", null, it.name) },
    { title: "Who", of: (it) => it.principal ?? "–" },
    { title: "For", number: true, of: (it) => millis(it.since_ms) },
    { title: "Request", of: (it) => it.request },
  ], all.slice(0, 50), "No call is running."));
}

function noted(title, all, empty) {
  return card(title, table(title, [
    { title: "When", of: (it) => clock(it.at) },
    { title: "Name", of: (it) => h("code", null, it.name) },
    { title: "Who", of: (it) => it.principal ?? "–" },
    { title: "How", of: (it) => [outcome(it.outcome), it.reason && ` ${it.reason}`] },
    { title: "Flags", of: (it) => it.flags.map((flag) => [pill(flag, "careful"), " "]) },
  ], all.slice(0, 12), empty));
}
