// Charts as SVG, each with its numbers for those who can't see it.

import { h, s } from "./dom.js";

const WIDTH = 600, HEIGHT = 150, LEFT = 44, BOTTOM = 20, TOP = 8;

const nice = (most) => {
  if (!(most > 0)) return 1;
  const size = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map((step) => step * size).find((bound) => bound >= most);
};

// `series`: [{ name, kind, of(step) }]. Bars are stacked; lines stand beside each other and break where there is nothing.
export function chart(title, steps, series, { bars = false, unit = "" } = {}) {
  const value = (one, step) => one.of(step) ?? 0;
  const sums = steps.map((step) => (bars ? series.reduce((sum, one) => sum + value(one, step), 0) : Math.max(0, ...series.map((one) => value(one, step)))));
  const top = nice(Math.max(0, ...sums));
  const x = (index) => LEFT + ((WIDTH - LEFT) * index) / Math.max(1, steps.length);
  const y = (amount) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - amount / top);
  const wide = Math.max(1, x(1) - x(0) - 0.5);
  const marks = [];
  if (bars) {
    steps.forEach((step, index) => {
      let below = 0;
      for (const one of series) {
        const amount = value(one, step);
        if (amount > 0) marks.push(s("rect", { class: one.kind, x: x(index), width: wide, y: y(below + amount), height: Math.max(0.5, y(below) - y(below + amount)) }));
        below += amount;
      }
    });
  } else {
    for (const one of series) {
      const there = (index) => steps[index] && (one.of(steps[index]) ?? undefined) !== undefined;
      let path = "";
      steps.forEach((step, index) => {
        if (!there(index)) return;
        const at = [(x(index) + wide / 2).toFixed(1), y(one.of(step)).toFixed(1)];
        path += `${there(index - 1) ? "L" : "M"}${at.join(" ")}`;
        // One that stands alone is no line.
        if (!there(index - 1) && !there(index + 1)) marks.push(s("circle", { class: one.kind, cx: at[0], cy: at[1], r: 3 }));
      });
      if (path) marks.push(s("path", { class: `line ${one.kind}`, d: path }));
    }
  }
  const grid = [0, top / 2, top].map((amount) => [
    s("line", { class: "grid", x1: LEFT, x2: WIDTH, y1: y(amount), y2: y(amount) }),
    s("text", { x: LEFT - 6, y: y(amount) + 4, "text-anchor": "end" }, amount >= 1000 ? `${amount / 1000}k` : String(+amount.toPrecision(3))),
  ]);
  const times = [0, 0.5, 1].map((part) => {
    const step = steps[Math.min(steps.length - 1, Math.round(part * (steps.length - 1)))];
    const anchor = part === 0 ? "start" : part === 1 ? "end" : "middle";
    const text = step ? new Date(step.at * 1000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" }) : "";
    return s("text", { x: LEFT + (WIDTH - LEFT) * part, y: HEIGHT - 4, "text-anchor": anchor }, text);
  });
  const legend = h("ul", { class: "legend" }, series.map((one) => h("li", null, h("span", { class: `dot ${one.kind}`, "aria-hidden": "true" }), one.name)));
  return h("figure", { class: "chart" }, h("figcaption", null, title, unit && h("span", { class: "unit" }, ` ${unit}`), legend),
    s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${title} of the last hour; the numbers follow as a table` }, grid, marks, times),
    numbers(title, steps, series));
}

// The last ten minutes that were not silent, in numbers.
function numbers(title, steps, series) {
  const told = steps.filter((step) => series.some((one) => one.of(step))).slice(-60);
  const row = (step) => h("tr", null, h("th", { scope: "row" }, new Date(step.at * 1000).toLocaleTimeString("en-GB")), series.map((one) => h("td", { class: "number" }, String(one.of(step) ?? "–"))));
  return h("details", null, h("summary", null, "As a table"),
    told.length === 0 ? h("p", { class: "empty" }, "No calls in the last hour.") :
      h("div", { class: "scroll low", tabindex: 0, role: "region", "aria-label": `${title} as a table` }, h("table", null, h("caption", { class: "hidden" }, title),
        h("thead", null, h("tr", null, h("th", { scope: "col" }, "Time"), series.map((one) => h("th", { scope: "col", class: "number" }, one.name)))),
        h("tbody", null, told.map(row)))));
}
