// Light and dark, small and large.

import { expect, go, judge, opened, plan, shot, visit } from "./browser.mjs";

const ground = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
const bright = (colour) => colour.match(/\d+/g).slice(0, 3).reduce((sum, one) => sum + Number(one), 0) > 384;

const SCREENS = [
  ["dark", { colorScheme: "dark" }],
  ["narrow", { viewport: { width: 360, height: 780 }, colorScheme: "light" }],
  ["narrow dark", { viewport: { width: 360, height: 780 }, colorScheme: "dark" }],
  ["wide", { viewport: { width: 1920, height: 1080 }, colorScheme: "light" }],
];

for (const [name, options] of SCREENS) {
  await visit(name, options, async (page) => {
    await opened(page, plan.keys.admin);
    await page.locator("code", { hasText: plan.tool }).first().waitFor();
    const before = await ground(page);
    expect(`${name}: ${before} is not as asked`, bright(before) === (options.colorScheme === "light"));
    await judge(page, name);
    if (name === "dark" || name === "narrow") await shot(page, name);
    if (name.startsWith("narrow")) {
      const label = await page.evaluate(() => getComputedStyle(document.querySelector("td[data-title=State]"), "::before").content);
      expect(`a cell of a narrow table does not say what it is: ${label}`, label.includes("State"));
    }
    for (const view of ["offer", "audit"]) {
      await go(page, view);
      await page.locator(".names, tbody").first().waitFor();
      await judge(page, `${name} ${view}`);
    }
    // The switch, and it stays switched.
    await page.getByRole("button", { name: "Switch between light and dark" }).click();
    const after = await ground(page);
    expect(`${name}: the switch changes nothing`, bright(before) !== bright(after));
    await page.reload();
    expect(`${name}: the switch is forgotten`, (await ground(page)) === after);
    await page.locator("tbody tr").first().waitFor();
    await judge(page, `${name} switched`);
  });
}
