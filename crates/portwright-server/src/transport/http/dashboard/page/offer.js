// What this caller may see of what is served, and a try of it.

import { list, mcp } from "./api.js";
import { card, code, h, pill, shown } from "./dom.js";
import { expanded, form, mirrored, variables } from "./form.js";

const KINDS = [["tools", "tools/list", "tools"], ["resources", "resources/list", "resources"], ["templates", "resources/templates/list", "resourceTemplates"], ["prompts", "prompts/list", "prompts"]];

export async function offer(root, { told, state }) {
  if (!told.http) {
    root.replaceChildren(card("What is served", h("p", { class: "empty" }, "This listener has no Streamable HTTP (listen.transports), so the page can't ask.")));
    return;
  }
  root.replaceChildren(h("p", { class: "empty" }, "Asking…"));
  const lists = await Promise.all(KINDS.map(([, method, key]) => list(method, key)));
  const all = KINDS.flatMap(([kind], at) => lists[at].map((item) => ({ kind, item, name: item.name ?? item.uri ?? item.uriTemplate })));
  const detail = h("div", { class: "detail", "aria-live": "polite" }, h("p", { class: "empty" }, "Choose something to see it and to try it."));
  const found = h("div", null);
  const search = h("input", { id: "find", type: "search", placeholder: "Find…", value: state.find ?? "", "aria-label": "Find by name or description", oninput: () => { state.find = search.value; draw(); } });
  function choose(one, button) {
    for (const other of found.querySelectorAll("button")) other.removeAttribute("aria-current");
    button.setAttribute("aria-current", "true");
    detail.replaceChildren(...about(one));
    if (window.innerWidth < 800) detail.scrollIntoView({ behavior: "smooth" });
  }
  function draw() {
    const wanted = search.value.toLowerCase();
    const fits = (one) => `${one.name} ${one.item.title ?? ""} ${one.item.description ?? ""}`.toLowerCase().includes(wanted);
    found.replaceChildren(...KINDS.map(([kind]) => {
      const some = all.filter((one) => one.kind === kind && fits(one));
      return some.length > 0 && h("section", null, h("h3", null, `${kind} (${some.length})`), h("ul", { class: "names" }, some.map((one) => {
        const button = h("button", { type: "button", onclick: () => choose(one, button) }, h("code", null, one.name));
        return h("li", null, button);
      })));
    }).filter(Boolean));
    if (!found.firstChild) found.replaceChildren(h("p", { class: "empty" }, all.length ? "Nothing fits." : "Nothing is served to you."));
  }
  draw();
  root.replaceChildren(h("div", { class: "split" }, card("What is served", search, found), h("section", { class: "card" }, detail)));
}

const hints = (marks) => [
  marks?.readOnlyHint ? pill("reads only", "good") : marks && pill("writes", "careful"),
  marks?.destructiveHint && !marks.readOnlyHint && pill("may destroy", "bad"),
  marks?.idempotentHint && !marks.readOnlyHint && pill("same again"),
  marks?.openWorldHint && pill("open world"),
].filter(Boolean).flatMap((it) => [it, " "]);

function about({ kind, item, name }) {
  const head = [h("h2", null, h("code", null, name)), item.title && h("p", { class: "title" }, item.title), kind === "tools" && h("p", null, hints(item.annotations)), h("p", { class: "words" }, item.description ?? "No description.")];
  const schemas = [["Input schema", item.inputSchema], ["Output schema", item.outputSchema]].filter(([, schema]) => schema).map(([title, schema]) => h("details", null, h("summary", null, title), code(schema)));
  return [...head.filter(Boolean), attempt(kind, item, name), ...schemas];
}

// The form of a try, and its answer.
function attempt(kind, item, name) {
  const schema = kind === "tools" ? item.inputSchema
    : kind === "prompts" ? { properties: Object.fromEntries((item.arguments ?? []).map((one) => [one.name, { type: "string", description: one.description }])), required: (item.arguments ?? []).filter((one) => one.required).map((one) => one.name) }
      : kind === "templates" ? { properties: Object.fromEntries(variables(item.uriTemplate).map((one) => [one, { type: "string", description: `Its place in ${item.uriTemplate}` }])), required: variables(item.uriTemplate) } : {};
  const { rows, read } = form(schema);
  const answer = h("div", { class: "answer", "aria-live": "polite" });
  const writes = kind === "tools" && !item.annotations?.readOnlyHint;
  const button = h("button", { type: "submit", class: writes ? "primary careful" : "primary" }, kind === "tools" ? (writes ? "Call it (it may change something)" : "Call it") : "Read it");
  let running;
  const off = h("button", { type: "button", hidden: true, onclick: () => running?.abort() }, "Call it off");
  const run = async (signal) => {
    const values = read();
    if (kind === "tools") return mcp("tools/call", { name, arguments: values }, { mirrored: mirrored(schema, values), signal });
    if (kind === "prompts") return mcp("prompts/get", { name, arguments: values }, { signal });
    return mcp("resources/read", { uri: kind === "templates" ? expanded(item.uriTemplate, values) : item.uri }, { signal });
  };
  const submit = async (event) => {
    event.preventDefault();
    if (running) return;
    running = new AbortController();
    const { signal } = running, began = performance.now();
    [button.disabled, off.hidden] = [true, false];
    answer.replaceChildren(h("p", { class: "empty" }, "Running…"));
    try {
      const result = await run(signal);
      answer.replaceChildren(...told(result, performance.now() - began));
    } catch (error) {
      answer.replaceChildren(h("p", { class: "notice" }, signal.aborted ? "It was called off." : shown(error.message)));
    }
    running = undefined;
    [button.disabled, off.hidden] = [false, true];
  };
  return h("form", { class: "attempt", onsubmit: submit, novalidate: true }, h("h3", null, "Try it"), rows, h("div", { class: "row" }, button, off), answer);
}

function told(result, took) {
  const head = h("p", null, pill(result.isError ? "error" : result.resultType === "input_required" ? "asks something" : "ok", result.isError ? "bad" : "good"), ` ${Math.round(took)} ms`);
  const blocks = result.content ?? result.contents ?? (result.messages ?? []).map((one) => one.content);
  const texts = blocks.map((block) => code(block?.text ?? block));
  const structured = result.structuredContent !== undefined && h("details", null, h("summary", null, "Structured content"), code(result.structuredContent));
  return [head, ...(texts.length ? texts : [code(result)]), structured].filter(Boolean);
}
