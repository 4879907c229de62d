// Without a mouse, and for those who hear the page.

import { expect, go, opened, plan, visit } from "./browser.mjs";

await visit("keyboard", {}, async (page) => {
  await opened(page, plan.keys.admin, "audit");
  await page.reload();
  await page.locator("tbody tr").first().waitFor();
  await page.keyboard.press("Tab");
  const there = (selector) => page.evaluate((selector) => document.activeElement?.matches(selector), selector);
  expect("the first stop leads past the head", await there(".skip"));
  await page.keyboard.press("Enter");
  expect("it leads to the content, in the view that one was in", (await there("main")) && page.url().endsWith("#audit"));
  await page.keyboard.press("Tab");
  expect("then comes the view's own", await there("#audit-span"));
  // A table that has the focus keeps it while the rest is drawn anew.
  await go(page, "overview");
  const region = page.getByRole("region", { name: "Top tools" });
  await region.waitFor();
  await page.keyboard.press("Tab");
  for (let stops = 0; stops < 40 && !(await there('[aria-label="Top tools"]')); stops += 1) await page.keyboard.press("Tab");
  expect("it is reached by keyboard", await there('[aria-label="Top tools"]'));
  const uptime = page.locator(".tile .more").first();
  const before = await uptime.innerText();
  await page.waitForFunction((before) => document.querySelector(".tile .more").innerText !== before, before);
  expect("the focus was lost", await there('[aria-label="Top tools"]'));
  expect("it says that it stands still", (await page.locator(".paused").count()) === 1);
  // A tool is found, chosen and called by keys alone.
  await go(page, "offer");
  await page.getByLabel("Find by name or description").focus();
  await page.keyboard.type(plan.tool);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByLabel("search_term").focus();
  await page.keyboard.type("ada");
  await page.keyboard.press("Enter");
  await page.locator(".answer pre").first().filter({ hasText: "Ada" }).waitFor();
  // What comes late draws nowhere.
  await page.route("**/mcp", async (route) => {
    await new Promise((done) => setTimeout(done, 400));
    await route.continue();
  });
  await page.evaluate(() => { location.hash = "#overview"; });
  const late = page.waitForResponse("**/mcp");
  await page.evaluate(() => { location.hash = "#offer"; setTimeout(() => { location.hash = "#audit"; }, 50); });
  await late;
  await page.locator("tbody tr").first().waitFor();
  await page.unroute("**/mcp");
  expect("a late view took the place of another", (await page.locator(".split").count()) === 0);
});
