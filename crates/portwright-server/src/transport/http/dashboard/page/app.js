// The page: which view is shown, who looks, and how often it asks.

import { credential, get } from "./api.js";
import { outcome, shown } from "./dom.js";
import { approvals, waiting } from "./approvals.js";
import { audit } from "./audit.js";
import { offer } from "./offer.js";
import { overview } from "./overview.js";

const EVERY = 2000;
const VIEWS = { overview, offer, audit, approvals };
const root = document.getElementById("main");
const notice = document.getElementById("notice");
const dialog = document.getElementById("signin");
const states = {};
let told, timer;

const view = () => (location.hash.slice(1) in VIEWS ? location.hash.slice(1) : "overview");

function say(words) {
  notice.hidden = !words;
  notice.replaceChildren(shown(words ?? ""));
}

function head() {
  document.getElementById("name").replaceChildren(shown(told.health.name));
  document.title = `${shown(told.health.name)} – Portwright`;
  const status = outcome(told.health.status);
  status.id = "status";
  status.setAttribute("role", "status");
  document.getElementById("status").replaceWith(status);
  const roles = told.me.roles.length ? ` (${told.me.roles.join(", ")})` : "";
  document.getElementById("who").replaceChildren(shown(`${told.me.principal}${roles}`));
  signs(credential.get() ? "Sign out" : "Sign in");
}

function signs(words) {
  const button = document.getElementById("sign");
  button.hidden = false;
  button.replaceChildren(words);
}

async function refresh() {
  clearTimeout(timer);
  try {
    told = { ...(await get("dashboard/api/overview")), now: Date.now() };
    say();
    head();
    const waits = (await waiting(told))?.filter((one) => one.state === "waiting").length;
    const count = document.getElementById("waiting");
    count.hidden = !waits;
    count.replaceChildren(String(waits ?? ""));
  } catch (error) {
    if (error.status === 401 || error.status === 403) {
      told = undefined;
      root.replaceChildren();
      signs("Sign in");
      say(credential.get() ? `That credential does not hold here. ${error.message}` : "Sign in to see this server.");
      return false;
    }
    say(error.status ? error.message : "The server does not answer; asking again.");
  }
  if (!document.hidden) timer = setTimeout(tick, EVERY);
  return told !== undefined;
}

// Only what changes by itself is drawn anew, and not while somebody reads a table there.
async function tick() {
  const open = root.querySelector("details[open]") || root.contains(document.getSelection()?.anchorNode) && !document.getSelection().isCollapsed;
  if ((await refresh()) && view() === "overview" && !open) overview(root, { told });
}

async function show() {
  const name = view();
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (!told && !(await refresh())) return;
  try {
    await VIEWS[name](root, { told, state: (states[name] ??= {}) });
  } catch (error) {
    say(error.message);
  }
}

function theme(next) {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = document.documentElement.dataset.theme ?? (dark ? "dark" : "light");
  const to = next ?? (now === "dark" ? "light" : "dark");
  document.documentElement.dataset.theme = to;
  localStorage.setItem("portwright.theme", to);
}

document.getElementById("theme").addEventListener("click", () => theme());
if (localStorage.getItem("portwright.theme")) theme(localStorage.getItem("portwright.theme"));
document.getElementById("sign").addEventListener("click", async () => {
  if (!credential.get()) return dialog.showModal();
  credential.set();
  told = undefined;
  await show();
});
dialog.addEventListener("close", async () => {
  const input = document.getElementById("credential");
  if (dialog.returnValue === "in" && input.value.trim()) credential.set(input.value.trim());
  input.value = "";
  told = undefined;
  await show();
});
document.addEventListener("visibilitychange", () => !document.hidden && tick());
window.addEventListener("hashchange", () => { root.focus({ preventScroll: true }); show(); });
show();
