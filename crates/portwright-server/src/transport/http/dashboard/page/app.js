// The page: which view is shown, who looks, and how often it asks.

import { credential, get } from "./api.js";
import { h, outcome, shown } from "./dom.js";
import { approvals, standing, waiting } from "./approvals.js";
import { audit } from "./audit.js";
import { offer } from "./offer.js";
import { overview } from "./overview.js";

const EVERY = 2000;
const VIEWS = { overview, offer, audit, approvals };
const root = document.getElementById("main");
const notice = document.getElementById("notice");
const dialog = document.getElementById("signin");
// What was told last; a place of its own for each showing, so that what comes late draws where nobody looks; and how often
// somebody else began to look, so that what their predecessor asked for is dropped.
let told, timer, place, states = {}, turn = 0;

const view = () => (Object.hasOwn(VIEWS, location.hash.slice(1)) ? location.hash.slice(1) : "overview");

function say(words) {
  notice.hidden = !words;
  notice.replaceChildren(shown(words ?? ""));
}

function head() {
  document.getElementById("name").replaceChildren(shown(told.health.name));
  document.title = `${shown(told.health.name)} – Portwright`;
  const status = document.getElementById("status"), now = outcome(told.health.status);
  if (status.textContent !== now.textContent) {
    status.className = now.className;
    status.replaceChildren(...now.childNodes);
  }
  const roles = told.me.roles.length ? ` (${told.me.roles.join(", ")})` : "";
  document.getElementById("who").replaceChildren(shown(`${told.me.principal}${roles}`));
  signs(credential.get() ? "Sign out" : "Sign in");
  const waits = told.waiting?.filter((one) => one.state === "waiting").length;
  const count = document.getElementById("waiting");
  count.hidden = !waits;
  count.replaceChildren(String(waits ?? ""), h("span", { class: "hidden" }, " waiting"));
}

function signs(words) {
  const button = document.getElementById("sign");
  button.hidden = false;
  button.replaceChildren(words);
}

async function refresh() {
  clearTimeout(timer);
  const mine = turn;
  try {
    const next = await get("dashboard/api/overview");
    next.waiting = await waiting(next).catch(() => undefined);
    if (mine !== turn) return false;
    told = next;
    say();
    head();
  } catch (error) {
    if (mine !== turn) return false;
    if (error.status === 401 || error.status === 403) {
      told = undefined;
      root.replaceChildren();
      signs("Sign in");
      say(credential.get() ? `That credential does not hold here. ${error.message}` : error.status === 403 ? error.message : "Sign in to see this server.");
      return false;
    }
    say(error.status ? error.message : "The server does not answer; asking again.");
  }
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(tick, EVERY);
  return told !== undefined;
}

// Only what changes by itself is drawn anew.
async function tick() {
  if (!(await refresh()) || !place) return;
  const state = states[view()] ?? {};
  if (view() === "overview") overview(place, { told, state });
  else if (view() === "approvals" && state.standing !== standing(told.waiting) && !place.contains(document.activeElement)) {
    approvals(place, { told, state }).catch((error) => say(error.message));
  }
}

async function show() {
  const name = view();
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if ((!told && !(await refresh())) || name !== view()) return;
  const mine = (place = h("div", { class: "view" }));
  root.replaceChildren(mine);
  try {
    await VIEWS[name](mine, { told, state: (states[name] ??= {}) });
  } catch (error) {
    if (mine === place) say(error.message);
  }
}

// Somebody else looks from now on: nothing of what was shown stays.
async function look(key) {
  credential.set(key);
  turn += 1;
  [told, states] = [undefined, {}];
  root.replaceChildren();
  await show();
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
document.getElementById("sign").addEventListener("click", () => {
  if (credential.get()) return look();
  dialog.returnValue = "";
  dialog.showModal();
});
dialog.addEventListener("close", () => {
  const input = document.getElementById("credential");
  const key = dialog.returnValue === "in" && input.value.trim();
  input.value = "";
  if (key) look(key);
});
document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); root.focus(); });
document.addEventListener("visibilitychange", () => !document.hidden && tick());
window.addEventListener("hashchange", () => { root.focus({ preventScroll: true }); show(); });
show();
