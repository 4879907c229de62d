// Calls that wait for a person.

import { credential, get, post } from "./api.js";
import { card, clock, code, h, outcome, shown } from "./dom.js";

export async function waiting(told) {
  if (!told.approvals || !told.me.approves || !credential.get()) return undefined;
  return (await get("approvals")).approvals;
}

// What stands there, in short, so that one sees whether something else does.
export const standing = (all) => JSON.stringify((all ?? []).map((one) => [one.id, one.state]));

export async function approvals(root, { told, state }) {
  const say = (words) => root.replaceChildren(card("Approvals", h("p", { class: "empty" }, words)));
  if (!told.approvals) return say("No calls wait in a queue here; `[approvals] approvers` in the configuration names the roles that decide.");
  if (!credential.get()) return say("Sign in with a key of an approver to see what waits.");
  if (!told.me.approves) return say("Your roles approve no calls here.");
  const all = (await get("approvals")).approvals;
  state.standing = standing(all);
  // One that ends meanwhile is not there any more.
  const whole = await Promise.all(all.map((one) => get(`approvals/${encodeURIComponent(one.id)}`).catch(() => undefined)));
  const cards = whole.filter(Boolean).map((one) => question(one, () => approvals(root, { told, state })));
  root.replaceChildren(cards.length ? h("div", { class: "stack" }, cards) : card("Approvals", h("p", { class: "empty" }, "Nothing waits.")));
}

function question(one, again) {
  const reason = h("input", { id: `why-${one.id}`, autocomplete: "off" });
  const notice = h("p", { class: "notice", role: "alert", hidden: true });
  const decide = async (decision) => {
    try {
      await post(`approvals/${encodeURIComponent(one.id)}`, reason.value ? { decision, reason: reason.value } : { decision });
      await again();
    } catch (error) {
      notice.hidden = false;
      notice.replaceChildren(shown(error.message));
    }
  };
  return card(h("code", null, one.name),
    h("p", null, outcome(one.state), ` asked by ${one.principal} `, clock(one.since), ", until ", clock(one.expires), one.read_only ? ", reads only" : ", may change something"),
    h("p", { class: "more" }, `Rule ${one.rule}, call ${one.digest.slice(0, 12)}`),
    code(one.arguments ?? {}),
    one.state === "waiting" && h("div", { class: "row" },
      h("div", { class: "field" }, h("label", { for: `why-${one.id}` }, "Reason, for the caller"), reason),
      h("button", { type: "button", class: "primary", onclick: () => decide("approve") }, "Approve"),
      h("button", { type: "button", class: "danger", onclick: () => decide("deny") }, "Deny")), notice);
}
