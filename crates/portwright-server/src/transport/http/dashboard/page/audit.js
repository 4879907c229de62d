// The audit trail, with filters.

import { get } from "./api.js";
import { card, code, h, millis, number, outcome, pill, table } from "./dom.js";

const OUTCOMES = ["ok", "failed", "refused", "timed_out", "cancelled", "input_required", "intent"];
const SPANS = [["", "any time"], ["900", "15 minutes"], ["3600", "1 hour"], ["86400", "1 day"], ["604800", "1 week"], ["between", "from … until …"]];

export async function audit(root, { told, state }) {
  if (!told.audit) {
    root.replaceChildren(card("Audit", h("p", { class: "empty" }, "No audit is kept. `[audit] file = \"audit.jsonl\"` in the configuration begins one.")));
    return;
  }
  const filters = (state.filters ??= {});
  const field = (key, title, input) => h("div", { class: "field" }, h("label", { for: `audit-${key}` }, title), input);
  const text = (key, title, hint) => {
    const input = h("input", { id: `audit-${key}`, value: filters[key] ?? "", placeholder: hint, autocomplete: "off", spellcheck: "false", onchange: () => { filters[key] = input.value.trim(); } });
    return field(key, title, input);
  };
  const choice = (key, title, options) => {
    const input = h("select", { id: `audit-${key}`, onchange: () => { filters[key] = input.value; } }, options.map(([value, words]) => h("option", { value, selected: filters[key] === value }, words)));
    return field(key, title, input);
  };
  const moment = (key, title) => {
    const input = h("input", { id: `audit-${key}`, type: "datetime-local", step: 1, value: filters[key] ?? "", onchange: () => { filters[key] = input.value; } });
    return field(key, title, input);
  };
  const between = [moment("from", "From"), moment("until", "Until")];
  const span = choice("span", "Within", SPANS);
  const reveal = () => between.forEach((one) => { one.hidden = filters.span !== "between"; });
  span.addEventListener("change", reveal);
  reveal();
  const results = h("div"), count = h("p", { class: "more", role: "status" });
  const search = (event) => {
    event?.preventDefault();
    return show(results, count, filters);
  };
  const filter = h("form", { class: "filters", onsubmit: search },
    span, between,
    told.me.sees_all && text("principal", "Who", "ada"),
    text("name", "Tool, prompt or URI", "query_*"),
    choice("outcome", "Ended", [["", "anyhow"], ...OUTCOMES.map((one) => [one, one.replaceAll("_", " ")])]),
    text("text", "Text", "anything in the record"),
    h("button", { type: "submit", class: "primary" }, "Show"));
  root.replaceChildren(card("Audit", !told.me.sees_all && h("p", { class: "empty" }, "Your own calls."), filter, count, results));
  await search();
}

const query = (filters, before) => {
  const params = new URLSearchParams();
  for (const key of ["principal", "name", "outcome", "text"]) if (filters[key]) params.set(key, filters[key]);
  if (filters.span === "between") {
    if (filters.from) params.set("since", new Date(filters.from).toISOString());
    if (filters.until) params.set("until", new Date(filters.until).toISOString());
  } else if (filters.span) {
    params.set("since", new Date(Date.now() - 1000 * filters.span).toISOString());
  }
  if (before) params.set("before", before);
  return params.toString();
};

async function show(results, count, filters) {
  const wanted = { ...filters };
  let before, all = [];
  const more = h("button", { type: "button", onclick: () => load() }, "Older");
  async function load() {
    try {
      const page = await get(`dashboard/api/audit?${query(wanted, before)}`);
      all = all.concat(page.records);
      before = page.before;
      const empty = before ? "No record fits among the latest; “Older” looks on." : "No record fits.";
      count.replaceChildren(all.length ? `${number(all.length)} ${all.length === 1 ? "record" : "records"} ${before ? "so far" : "in all"}` : "");
      results.replaceChildren(drawn(all, empty), ...(before ? [more] : []));
    } catch (error) {
      count.replaceChildren();
      results.replaceChildren(h("p", { class: "notice" }, error.message));
    }
  }
  await load();
}

const when = (text) => h("time", { datetime: text, title: text }, text ? new Date(text).toLocaleString("en-GB") : "–");

function drawn(records, empty) {
  return table("Records of the audit, the latest first", [
    { title: "When", of: (it) => when(it.ts) },
    { title: "Who", of: (it) => it.principal ?? "–" },
    { title: "Name", of: (it) => [h("code", null, it.name ?? "–"), h("span", { class: "more" }, ` ${it.operation ?? ""}`)] },
    { title: "Ended", of: (it) => [outcome(it.outcome), it.error && it.error !== it.outcome && ` ${it.error}`] },
    { title: "Took", number: true, of: (it) => millis(it.duration_ms) },
    { title: "Bytes", number: true, of: (it) => (it.result_bytes === null || it.result_bytes === undefined ? "–" : number(it.result_bytes)) },
    { title: "Flags", of: (it) => (it.flags ?? []).map((flag) => [pill(flag, "careful"), " "]) },
    { title: "All", of: (it) => h("details", null, h("summary", null, "record"), code(it)) },
  ], records, empty);
}
