// Looks at a dashboard as people do, in a real browser, and says what is wrong. Takes one argument, a JSON plan:
// { chromium, url, keys: { admin, reader, approver }, callTool, hostile, shots? }. Prints one JSON line: the findings.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const plan = JSON.parse(process.argv[2]);
const tools = createRequire(join(plan.tools, "package.json"));
const { chromium } = tools("playwright-core");
const axe = readFileSync(tools.resolve("axe-core/axe.min.js"), "utf8");

const findings = [];
const seen = { requests: 0, axe: 0 };
const wrong = (what) => findings.push(what);
const expect = (what, holds) => holds || wrong(what);

const browser = await chromium.launch({ executablePath: plan.chromium, args: ["--no-sandbox", "--disable-dev-shm-usage"] });

async function visit(name, options, steps) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, bypassCSP: false, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  // A refused credential is the browser's own line in the console; it is the page's business what it makes of it.
  page.on("console", (message) => message.type() === "error" && !/status of 40[13]/.test(message.text()) && wrong(`${name}: console: ${message.text()}`));
  page.on("pageerror", (error) => wrong(`${name}: ${error.message}`));
  page.on("dialog", (dialog) => { wrong(`${name}: a dialog opened: ${dialog.message()}`); dialog.dismiss(); });
  page.on("request", (request) => {
    seen.requests += 1;
    const own = request.url().startsWith(`${plan.url}/`) || request.url().startsWith("data:image/svg+xml");
    expect(`${name}: asked ${request.url()}`, own);
  });
  try {
    await steps(page);
  } catch (error) {
    wrong(`${name}: ${error.message.split("\n").slice(0, 6).join(" | ")}`);
  }
  await context.close();
}

const go = async (page, view) => {
  await page.goto(`${plan.url}/#${view}`);
  await page.locator("main > *").first().waitFor();
};

async function signIn(page, key) {
  await page.getByRole("button", { name: "Sign in" }).first().click();
  await page.getByLabel("Key or token").fill(key);
  await page.locator("dialog").getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: "Sign out" }).waitFor();
}

// The judge of accessibility is injected by the driver, beside the page's own policy.
async function judge(page, name) {
  const found = await page.evaluate(`(() => { const module = undefined, define = undefined; ${axe}; return axe.run(document, { resultTypes: ["violations"] }); })()`);
  seen.axe += 1;
  for (const one of found.violations.filter((one) => ["serious", "critical"].includes(one.impact))) {
    wrong(`${name}: ${one.id}: ${one.nodes.map((node) => `${node.target} ${node.failureSummary}`).slice(0, 3).join("; ")}`);
  }
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(`${name}: ${wide} px wider than the screen`, wide <= 0);
}

const shot = (page, name) => plan.shots && page.screenshot({ path: join(plan.shots, `dashboard-${name}.png`) });

await visit("admin", { colorScheme: "light" }, async (page) => {
  await page.goto(`${plan.url}/`);
  await page.getByText("Sign in to see this server.").waitFor();
  await signIn(page, plan.keys.admin);
  await page.getByRole("heading", { name: "Sources" }).waitFor();
  await go(page, "offer");
  await page.getByRole("button", { name: plan.tool, exact: true }).click();
  await page.getByLabel("search_term").fill("ada");
  await page.getByRole("button", { name: "Call it" }).click();
  await page.locator(".answer pre").first().filter({ hasText: "Ada" }).waitFor();
  await judge(page, "offer");
  await shot(page, "try");
  await page.getByLabel("limit").fill("0");
  await page.getByRole("button", { name: "Call it" }).click();
  await page.locator(".answer .pill.bad").waitFor();
  await go(page, "overview");
  await page.locator("code", { hasText: plan.tool }).first().waitFor();
  await judge(page, "overview");
  await shot(page, "light");
  await go(page, "audit");
  await page.getByLabel("Tool, prompt or URI").fill(`${plan.tool.slice(0, 5)}*`);
  await page.getByLabel("Ended").selectOption("ok");
  await page.getByRole("button", { name: "Show" }).click();
  await page.locator("tbody tr").first().waitFor();
  const rows = await page.locator("tbody tr").allInnerTexts();
  expect(`audit: ${rows.join(" / ")}`, rows.length > 0 && rows.every((row) => row.includes(plan.tool) && row.includes("ok")));
  await judge(page, "audit");
  await page.getByLabel("Text").fill("no record says this");
  await page.getByRole("button", { name: "Show" }).click();
  await page.getByText("No record fits.").waitFor();
  const kept = await page.evaluate(() => [document.cookie, JSON.stringify(localStorage)]);
  expect(`the key is kept: ${kept}`, kept[0] === "" && !kept[1].includes(plan.keys.admin));
});

await visit("reader", { colorScheme: "dark" }, async (page) => {
  await page.goto(`${plan.url}/`);
  await signIn(page, plan.keys.reader);
  await page.getByText("reader").first().waitFor();
  await page.getByText("yours").waitFor();
  expect("reader: sees charts of everybody's calls", (await page.locator("figure").count()) === 0);
  await go(page, "audit");
  await page.getByText("Your own calls.").waitFor();
  const texts = await page.locator("main").innerText();
  expect(`reader: sees another's calls: ${texts}`, !texts.includes("boss"));
  await go(page, "approvals");
  await page.getByText("Your roles approve no calls here.").waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByText("Sign in to see this server.").waitFor();
  await page.getByRole("button", { name: "Sign in" }).first().click();
  await page.getByLabel("Key or token").fill("pw_made_up");
  await page.locator("dialog").getByRole("button", { name: "Sign in" }).click();
  await page.getByText("That credential does not hold here.").waitFor();
});

// What comes from elsewhere is text, whatever it says.
await visit("hostile", {}, async (page) => {
  await page.goto(`${plan.url}/`);
  await signIn(page, plan.keys.admin);
  await go(page, "offer");
  await page.getByRole("button", { name: "echo_note", exact: true }).click();
  await page.getByText("<img src=x onerror=alert(1)>").first().waitFor();
  await page.getByLabel("term").fill("<script>alert(2)</script><a href=\"javascript:alert(3)\">x</a>");
  await page.getByRole("button", { name: "Call it" }).click();
  await page.locator(".answer pre").first().filter({ hasText: "<script>alert(2)</script>" }).waitFor();
  await go(page, "audit");
  await page.locator("tbody tr").first().waitFor();
  await page.locator("summary").first().click();
  expect("an element was made of text", (await page.locator("main img, main script, main a, main iframe").count()) === 0);
  const blocked = await page.evaluate(() => { try { document.body.innerHTML = "<b>x</b>"; return false; } catch { return true; } });
  expect("text became HTML: no Trusted Types", blocked);
  const inline = await page.evaluate(() => { const script = document.createElement("style"); script.textContent = "body { display: none }"; document.head.append(script); return getComputedStyle(document.body).display; });
  // That the policy blocked it stands in the console, as it should.
  findings.splice(0, findings.length, ...findings.filter((one) => !/^hostile: console: .*(Content Security Policy|TrustedHTML)/s.test(one)));
  expect("a style of the page's own making counts", inline !== "none");
});

await visit("approver", {}, async (page) => {
  await page.goto(`${plan.url}/`);
  await signIn(page, plan.keys.approver);
  await page.locator("#waiting:not([hidden])").waitFor();
  await go(page, "approvals");
  await page.getByText("asked by reader").waitFor();
  await judge(page, "approvals");
  await shot(page, "approvals");
  await page.getByRole("button", { name: "Approve" }).click();
  await page.getByText("Nothing waits.").or(page.locator(".pill", { hasText: "approved" })).first().waitFor();
});

for (const [name, options] of [["dark", { colorScheme: "dark" }], ["narrow", { viewport: { width: 360, height: 780 }, colorScheme: "light" }], ["wide", { viewport: { width: 1920, height: 1080 } }]]) {
  await visit(name, options, async (page) => {
    await page.goto(`${plan.url}/`);
    await signIn(page, plan.keys.admin);
    await page.locator("code", { hasText: plan.tool }).first().waitFor();
    await judge(page, name);
    name !== "wide" && (await shot(page, name));
    for (const view of ["offer", "audit"]) {
      await go(page, view);
      await page.locator(".names, tbody").first().waitFor();
      await judge(page, `${name} ${view}`);
    }
    const before = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await page.getByRole("button", { name: "Switch between light and dark" }).click();
    const after = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    expect(`${name}: the switch changes nothing`, before !== after);
    // By keyboard alone: the first stop leads past the head.
    await page.goto(`${plan.url}/#overview`);
    await page.reload();
    await page.keyboard.press("Tab");
    expect(`${name}: no way past the head`, await page.evaluate(() => document.activeElement?.classList.contains("skip")));
  });
}

await browser.close();
console.log(JSON.stringify({ findings, seen }));
