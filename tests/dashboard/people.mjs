// An admin, a reader and an approver do what they came for.

import { expect, go, judge, opened, plan, shot, signIn, visit } from "./browser.mjs";

const rows = (page) => page.locator("tbody tr");
const show = (page) => page.getByRole("button", { name: "Show" }).click();

await visit("admin sees and tries", { colorScheme: "light" }, async (page) => {
  await page.goto(`${plan.url}/`);
  await page.getByText("Sign in to see this server.").waitFor();
  await signIn(page, plan.keys.admin);
  await page.getByRole("heading", { name: "Sources" }).waitFor();
  await page.locator("tr", { hasText: "sqlite" }).getByText("ready").waitFor();
  // A call of somebody else's waits for a person: it runs.
  const running = page.getByRole("region", { name: "Calls that run now" });
  await running.getByText("get_order_history").first().waitFor();
  await running.getByText("reader").first().waitFor();
  await go(page, "offer");
  await page.getByRole("button", { name: plan.tool, exact: true }).click();
  await page.getByLabel("search_term").fill("ada");
  await page.getByRole("button", { name: "Call it" }).click();
  await page.locator(".answer pre").first().filter({ hasText: "Ada" }).waitFor();
  await page.getByText("Structured content").click();
  expect("structured content", (await page.locator(".answer details pre").innerText()).includes('"rows"'));
  await judge(page, "offer");
  await page.getByText("Structured content").click();
  await shot(page, "try");
  await page.getByLabel("limit").fill("0");
  await page.getByRole("button", { name: "Call it" }).click();
  await page.locator(".answer .pill.bad").waitFor();
  await go(page, "overview");
  await page.getByRole("region", { name: "Top tools" }).getByText(plan.tool).waitFor();
  await page.locator("section", { hasText: "Refused lately" }).getByText(plan.tool).first().waitFor();
  await page.locator("figure summary").first().click();
  await page.locator("figure tbody tr").first().waitFor();
  await judge(page, "overview");
  await page.locator("figure summary").first().click();
  await shot(page, "light");
  const kept = await page.evaluate(() => [document.cookie, JSON.stringify(localStorage)]);
  expect(`the key is kept: ${kept}`, kept[0] === "" && !kept[1].includes(plan.keys.admin));
});

await visit("admin reads and asks", {}, async (page) => {
  await opened(page, plan.keys.admin, "offer");
  const answer = page.locator(".answer pre").first();
  await page.getByRole("button", { name: "shop table" }).click();
  await page.locator("form.attempt input").fill("customers");
  await page.getByRole("button", { name: "Read it" }).click();
  await answer.filter({ hasText: "email" }).waitFor();
  await page.getByRole("button", { name: "summarize_customer" }).click();
  await page.getByLabel("customer_id").fill("17");
  await page.getByRole("button", { name: "Read it" }).click();
  await answer.filter({ hasText: "Summarize customer 17" }).waitFor();
  // A form for each shape: what is no number is not sent, a number beyond a script's is not rounded, what is nested is JSON.
  await page.getByRole("button", { name: "keep_number", exact: true }).click();
  await page.getByLabel("big").fill("9007199254740993");
  await page.getByLabel("kind").selectOption({ label: "large" });
  await page.getByLabel("sure").selectOption("true");
  await page.getByRole("button", { name: "Call it" }).click();
  await answer.filter({ hasText: "9007199254740993 | large | 1" }).waitFor();
  await page.getByText("Structured content").click();
  expect("a number was rounded", (await page.locator(".answer details pre").innerText()).includes("9007199254740993"));
  // A long call is called off.
  await page.getByRole("button", { name: "slow_report", exact: true }).click();
  await page.getByRole("button", { name: "Call it", exact: true }).click();
  await page.getByRole("button", { name: "Call it off" }).click();
  await page.getByText("It was called off.").waitFor();
  await go(page, "audit");
  await page.getByLabel("Tool, prompt or URI").fill("slow_report");
  await page.getByLabel("Ended").selectOption("cancelled");
  // The server notices by the connection.
  await page.waitForFunction(async () => {
    document.querySelector(".filters button").click();
    await new Promise((done) => setTimeout(done, 100));
    return document.querySelectorAll("tbody tr").length > 0;
  });
  expect("the record says so", (await rows(page).first().innerText()).includes("cancelled"));
});

await visit("admin looks through the audit", {}, async (page) => {
  await opened(page, plan.keys.admin, "audit");
  await rows(page).nth(49).waitFor();
  expect("a page is 50 records", (await rows(page).count()) === 50);
  await page.getByRole("button", { name: "Older" }).click();
  await rows(page).nth(50).waitFor();
  await page.getByLabel("Tool, prompt or URI").fill(`${plan.tool.slice(0, 5)}*`);
  await page.getByLabel("Ended").selectOption("ok");
  await page.getByLabel("Who").fill("reader");
  await show(page);
  await page.locator("tbody tr", { hasText: "boss" }).first().waitFor({ state: "detached" });
  const texts = await rows(page).allInnerTexts();
  expect(`audit: ${texts.join(" / ")}`, texts.length > 0 && texts.every((row) => row.includes(plan.tool) && row.includes("ok") && row.includes("reader")));
  await judge(page, "audit");
  await page.getByLabel("Who").fill("");
  await page.getByLabel("Within").selectOption("between");
  await page.getByLabel("Until").fill("2020-01-01T00:00:00");
  await show(page);
  await page.getByText("No record fits.").waitFor();
  await page.getByLabel("Until").fill("");
  await page.getByLabel("From").fill("2020-01-01T00:00:00");
  await show(page);
  await rows(page).first().waitFor();
  await page.getByLabel("Text").fill("no record says this");
  await show(page);
  await page.getByText("No record fits.").waitFor();
});

await visit("reader", { colorScheme: "dark" }, async (page) => {
  await page.goto(`${plan.url}/`);
  await signIn(page, plan.keys.reader);
  await page.getByText("reader").first().waitFor();
  await page.getByText("yours").waitFor();
  expect("reader: sees charts of everybody's calls", (await page.locator("figure").count()) === 0);
  await go(page, "audit");
  await page.getByText("Your own calls.").waitFor();
  await rows(page).first().waitFor();
  const texts = await page.locator("main").innerText();
  expect(`reader: sees another's calls: ${texts}`, !texts.includes("boss"));
  await go(page, "approvals");
  await page.getByText("Your roles approve no calls here.").waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByText("Sign in to see this server.").waitFor();
  expect("what was shown is gone", (await page.locator("main").innerText()) === "");
  // What is typed and called off is not sent, also after one that was.
  await page.getByRole("button", { name: "Sign in" }).first().click();
  await page.getByLabel("Key or token").fill(plan.keys.admin);
  await page.keyboard.press("Escape");
  await page.locator("dialog:not([open])").waitFor({ state: "attached" });
  expect("a sign-in that was called off counts", await page.evaluate(() => sessionStorage.length === 0));
  await page.getByRole("button", { name: "Sign in" }).first().click();
  await page.getByLabel("Key or token").fill("pw_made_up");
  await page.locator("dialog").getByRole("button", { name: "Sign in" }).click();
  await page.getByText("That credential does not hold here.").waitFor();
});

await visit("approver", {}, async (page) => {
  await page.goto(`${plan.url}/`);
  await signIn(page, plan.keys.approver);
  await page.locator("#waiting:not([hidden])", { hasText: "2" }).waitFor();
  await go(page, "approvals");
  const waits = (id) => page.locator("section", { hasText: `"customer_id": ${id}` });
  await waits(1).getByText("asked by reader").waitFor();
  await judge(page, "approvals");
  await shot(page, "approvals");
  await waits(2).getByLabel("Reason, for the caller").fill("not today");
  await waits(2).getByRole("button", { name: "Deny" }).click();
  await page.locator("#waiting", { hasText: "1" }).waitFor();
  await waits(1).getByRole("button", { name: "Approve" }).click();
  await page.locator("#waiting[hidden]").waitFor({ state: "attached" });
  // Another one comes while nobody touches the page.
  const meta = { "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {} };
  const third = fetch(`${plan.url}/mcp`, { method: "POST", headers: { authorization: `Bearer ${plan.keys.reader}`, "content-type": "application/json",
    accept: "application/json, text/event-stream", "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "get_order_history" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "get_order_history", arguments: { customer_id: 3 }, _meta: meta } }) });
  await page.evaluate(() => document.activeElement?.blur());
  await waits(3).getByRole("button", { name: "Approve" }).click();
  expect("the third was not approved", (await (await third).text()).includes("structuredContent"));
});
