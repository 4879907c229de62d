// Elements, made without any text being read as HTML.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, props, children) {
  for (const [key, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "value" || key === "checked") element[key] = value;
    else element.setAttribute(key, value === true ? "" : shown(String(value)));
  }
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    element.append(child instanceof Node ? child : shown(String(child)));
  }
  return element;
}

export const h = (tag, props, ...children) => fill(document.createElement(tag), props, children);
export const s = (tag, props, ...children) => fill(document.createElementNS(SVG, tag), props, children);

// Characters that hide, or that turn the direction of what follows, are shown as what they are.
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\udb40[\udc00-\udfff]/g;
export const shown = (text) =>
  text.replace(HIDDEN, (it) => `\\u{${it.codePointAt(0).toString(16)}}`);

export function table(caption, columns, rows, empty) {
  if (rows.length === 0) return h("p", { class: "empty" }, empty);
  const head = columns.map((column) => h("th", { scope: "col", class: column.number ? "number" : undefined }, column.title));
  const cell = (column, row) => h("td", { class: column.number ? "number" : undefined, "data-title": column.title }, column.of(row));
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    h("table", null, h("caption", { class: "hidden" }, caption),
      h("thead", null, h("tr", null, head)),
      h("tbody", null, rows.map((row) => h("tr", null, columns.map((column) => cell(column, row)))))));
}

// Draws anew, but for what somebody reads just now: where they went by keyboard, selected or opened something.
export function redraw(root, parts) {
  const old = [...root.children];
  if (old.length !== parts.length) return root.replaceChildren(...parts);
  const selected = document.getSelection();
  parts.forEach((part, index) => {
    const one = old[index];
    if (one.classList.contains("pair") && part.classList.contains("pair")) return redraw(one, [...part.children]);
    const read = one.querySelector(":focus-visible, details[open]") || (!selected.isCollapsed && one.contains(selected.anchorNode));
    one.classList.toggle("paused", Boolean(read));
    if (!read && !one.isEqualNode(part)) one.replaceWith(part);
  });
}

export const card = (title, ...content) => h("section", { class: "card" }, h("h2", null, title), content);
export const pill = (text, kind) => h("span", { class: `pill ${kind ?? ""}` }, text);
export const code = (value) => h("pre", { tabindex: 0 }, typeof value === "string" ? value : JSON.stringify(value, null, 2));

const KINDS = { ok: "good", ready: "good", approved: "good", degraded: "careful", connecting: "careful", draining: "careful", timed_out: "careful",
  cancelled: "careful", input_required: "careful", waiting: "careful", failed: "bad", refused: "bad", unavailable: "bad", down: "bad", denied: "bad", intent: "" };
export const outcome = (text) => pill(String(text ?? "").replaceAll("_", " "), KINDS[text] ?? "");

export const number = (value) => (value ?? 0).toLocaleString("en");
export const millis = (value) => (value === null || value === undefined ? "–" : value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`);
export function since(seconds) {
  const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const [size, unit] = units.find(([size]) => seconds >= size) ?? [1, "s"];
  return `${Math.floor(seconds / size)} ${unit}`;
}
export const clock = (at) => {
  const time = new Date(typeof at === "number" ? at * 1000 : at);
  return h("time", { datetime: time.toISOString(), title: time.toISOString() }, time.toLocaleTimeString("en-GB"));
};
