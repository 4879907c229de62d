// A browser that looks at a dashboard, and what it finds wrong on every visit: errors in the console, dialogs, requests to
// anybody else, what axe calls serious, a page wider than its screen.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

export const plan = JSON.parse(process.argv[2]);
const tools = createRequire(join(plan.tools, "package.json"));
const { chromium } = tools("playwright-core");
const axe = readFileSync(tools.resolve("axe-core/axe.min.js"), "utf8");

export const findings = [];
export const seen = { requests: 0, axe: 0, steps: 0 };
export const wrong = (what) => findings.push(what);
export const expect = (what, holds) => {
  seen.steps += 1;
  return holds || wrong(what);
};

export const browser = await chromium.launch({ executablePath: plan.chromium, args: ["--no-sandbox", "--disable-dev-shm-usage"] });

// `expected`: what may stand in the console, besides the browser's own line about a refused credential.
export async function visit(name, { expected = /^$/, ...options }, steps) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, bypassCSP: false, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.on("console", (message) => {
    const known = /status of 40[139]/.test(message.text()) || expected.test(message.text());
    if (message.type() === "error" && !known) wrong(`${name}: console: ${message.text()}`);
  });
  page.on("pageerror", (error) => wrong(`${name}: ${error.message}`));
  page.on("dialog", (dialog) => { wrong(`${name}: a dialog opened: ${dialog.message()}`); dialog.dismiss(); });
  page.on("popup", (popup) => wrong(`${name}: a window opened: ${popup.url()}`));
  page.on("request", (request) => {
    seen.requests += 1;
    const own = request.url().startsWith(`${plan.url}/`) || request.url().startsWith("data:image/svg+xml");
    expect(`${name}: asked ${request.url()}`, own);
  });
  try {
    await steps(page);
  } catch (error) {
    wrong(`${name}: ${error.message.split("\n").slice(0, 6).join(" | ")} ${error.stack.split("\n").filter((line) => line.includes("/tests/dashboard/")).join(" ")}`);
  }
  await context.close();
}

export const go = async (page, view) => {
  await page.goto(`${plan.url}/#${view}`);
  await page.locator(".view > *").first().waitFor();
};

export async function signIn(page, key) {
  await page.getByRole("button", { name: "Sign in" }).first().click();
  await page.getByLabel("Key or token").fill(key);
  await page.locator("dialog").getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: "Sign out" }).waitFor();
}

export async function opened(page, key, view = "overview") {
  await page.goto(`${plan.url}/`);
  await signIn(page, key);
  await go(page, view);
}

// The judge of accessibility is injected by the driver, beside the page's own policy.
export async function judge(page, name) {
  const found = await page.evaluate(`(() => { const module = undefined, define = undefined; ${axe}; return axe.run(document, { resultTypes: ["violations"] }); })()`);
  seen.axe += 1;
  for (const one of found.violations.filter((one) => ["serious", "critical"].includes(one.impact))) {
    wrong(`${name}: ${one.id}: ${one.nodes.map((node) => `${node.target} ${node.failureSummary}`).slice(0, 3).join("; ")}`);
  }
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(`${name}: ${wide} px wider than the screen`, wide <= 0);
}

export const shot = (page, name) => plan.shots && page.screenshot({ path: join(plan.shots, `dashboard-${name}.png`) });
