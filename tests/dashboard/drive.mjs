// Looks at a dashboard as people do, in a real browser, and says what is wrong. Takes one argument, a JSON plan:
// { chromium, tools, url, keys: { admin, reader, approver }, tool, shots? }. Prints one JSON line: the findings.

import { browser, findings, seen } from "./browser.mjs";

for (const steps of ["hostile", "people", "keyboard", "looks"]) await import(`./${steps}.mjs`);

await browser.close();
console.log(JSON.stringify({ findings, seen }));
