// What comes from elsewhere is text, whatever it says and whoever says it.

import { expect, go, opened, plan, visit } from "./browser.mjs";

const MARKUP = "main img, main script, main a, main iframe, main b, header img, header b";
const elements = (page) => page.locator(MARKUP).count();

await visit("hostile tool", {}, async (page) => {
  await opened(page, plan.keys.admin, "offer");
  await page.getByRole("button", { name: "echo_note", exact: true }).click();
  await page.getByText("<img src=x onerror=alert(1)>").first().waitFor();
  await page.getByLabel("term").fill("<script>alert(2)</script><a href=\"javascript:alert(3)\">x</a>");
  await page.getByRole("button", { name: "Call it" }).click();
  await page.locator(".answer pre").first().filter({ hasText: "<script>alert(2)</script>" }).waitFor();
  await go(page, "audit");
  await page.locator("tbody tr").first().waitFor();
  await page.locator("summary").first().click();
  expect("an element was made of text", (await elements(page)) === 0);
});

// The page does not trust the server either: every text of what it is told is an attack.
const ATTACK = "<img src=x onerror=alert(4)><a href=\"javascript:alert(5)\">\u202edlrow\u2066\u200b</a>";
const SAFE = /^(ts|state|outcome|id|digest|since|expires|datetime|status|resultType|type|protocolVersion|method|jsonrpc|before|auth)$/;
function spoiled(value, key) {
  if (typeof value === "string") return SAFE.test(key) ? value : `${ATTACK}${value}`;
  if (Array.isArray(value)) return value.map((one) => spoiled(one, key));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, spoiled(one, key)]));
}

for (const [name, key] of [["hostile server", plan.keys.admin], ["hostile approvals", plan.keys.approver]]) {
  await visit(name, {}, async (page) => {
    for (const path of ["**/dashboard/api/*", "**/approvals", "**/approvals/*", "**/mcp"]) {
      await page.route(path, async (route) => {
        const response = await route.fetch();
        const type = response.headers()["content-type"] ?? "";
        if (!response.ok() || !type.includes("json")) return route.fulfill({ response });
        return route.fulfill({ response, body: JSON.stringify(spoiled(await response.json(), "")) });
      });
    }
    await opened(page, key);
    for (const view of name === "hostile server" ? ["overview", "offer", "audit"] : ["approvals"]) {
      await go(page, view);
      await page.locator("main").getByText("<img src=x onerror=alert(4)>").first().waitFor();
      if (view === "offer") {
        await page.locator(".names button").first().click();
        await page.locator(".attempt").waitFor();
      }
      const text = await page.evaluate(() => document.documentElement.innerText + document.title);
      const attributes = await page.evaluate(() => [...document.querySelectorAll("*")].flatMap((one) => [...one.attributes].map((it) => it.value)).join(" "));
      expect(`${view}: a mark that turns the text is not shown as what it is`, text.includes("\\u{202e}") && !/[\u202e\u2066\u200b]/.test(text + attributes));
      expect(`${view}: an element was made of text`, (await elements(page)) === 0);
    }
  });
}

// Should all of that fail, the policy holds. That it did stands in the console, as it should.
await visit("policy", { expected: /Content Security Policy|Trusted/s }, async (page) => {
  await page.goto(`${plan.url}/`);
  const held = await page.evaluate(async () => {
    const fails = (act) => { try { act(); return false; } catch { return true; } };
    const style = document.createElement("style");
    style.textContent = "body { display: none }";
    document.head.append(style);
    const script = document.createElement("script");
    const source = fails(() => { script.src = "data:text/javascript,window.ran=1"; });
    const away = await new Promise((told) => {
      document.addEventListener("securitypolicyviolation", (event) => event.effectiveDirective === "connect-src" && told(true));
      fetch("https://elsewhere.example/").then(() => told(false), () => {});
    });
    return { markup: fails(() => { document.body.innerHTML = "<b>x</b>"; }), evaluation: fails(() => eval("1")), source, away,
      policies: fails(() => trustedTypes.createPolicy("own", { createHTML: (text) => text })),
      style: getComputedStyle(document.body).display !== "none" };
  });
  for (const [what, holds] of Object.entries(held)) expect(`the policy let through: ${what}`, holds);
});
