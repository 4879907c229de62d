// What the page asks the server: as its caller, at the same doors as anybody else.

const VERSION = "2026-07-28";
const KEY = "portwright.credential";

export const credential = {
  get: () => sessionStorage.getItem(KEY),
  set: (value) => (value ? sessionStorage.setItem(KEY, value) : sessionStorage.removeItem(KEY)),
};

export class Refused extends Error {
  constructor(status, words) {
    super(words);
    this.status = status;
  }
}

// Numbers that a script would round stay as they were written, where the browser can.
const whole = (text) => /^-?\d+$/.test(text) && !Number.isSafeInteger(Number(text)) && JSON.rawJSON !== undefined;
export const number = (text) => (whole(text) ? JSON.rawJSON(String(BigInt(text))) : Number(text));
export const parse = (text) => JSON.parse(text, (_, value, at) => (typeof value === "number" && at?.source && whole(at.source) ? JSON.rawJSON(at.source) : value));
export const plain = (value) => value === null || typeof value !== "object" || Boolean(JSON.isRawJSON?.(value));

// Beside the page, also where a proxy has it under a path of its own.
const at = (path) => new URL(path, document.baseURI.split("#")[0]);

async function ask(path, options = {}) {
  const headers = { ...options.headers };
  if (credential.get()) headers.authorization = `Bearer ${credential.get()}`;
  const response = await fetch(at(path), { ...options, headers, cache: "no-store", credentials: "omit", redirect: "error" });
  const body = await response.text();
  if (!response.ok && !(options.mcp && body.startsWith("{"))) throw new Refused(response.status, body.slice(0, 500) || response.statusText);
  return { body, kind: response.headers.get("content-type") ?? "" };
}

export async function get(path) {
  return JSON.parse((await ask(path)).body);
}

export async function post(path, value) {
  const headers = { "content-type": "application/json" };
  return JSON.parse((await ask(path, { method: "POST", headers, body: JSON.stringify(value) })).body);
}

// A header holds plain visible ASCII; everything else goes as base64 of its UTF-8.
function header(value) {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  if (/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(text) && !text.startsWith("=?base64?")) return text;
  return `=?base64?${btoa(String.fromCharCode(...new TextEncoder().encode(text)))}?=`;
}

let last = 0;

// One request of MCP. `mirrored`: arguments that a tool wants to see in headers as well; `signal` calls it off.
export async function mcp(method, params = {}, { mirrored = {}, signal } = {}) {
  const headers = { "content-type": "application/json", accept: "application/json, text/event-stream",
    "mcp-protocol-version": VERSION, "mcp-method": method };
  const name = params.name ?? params.uri;
  if (name !== undefined) headers["mcp-name"] = header(name);
  for (const [key, value] of Object.entries(mirrored)) headers[`mcp-param-${key}`] = header(value);
  const about = "io.modelcontextprotocol/";
  const meta = { [`${about}protocolVersion`]: VERSION, [`${about}clientCapabilities`]: {},
    [`${about}clientInfo`]: { name: "portwright-dashboard", version: "1" } };
  const message = { jsonrpc: "2.0", id: ++last, method, params: { ...params, _meta: meta } };
  const { body, kind } = await ask("mcp", { method: "POST", headers, body: JSON.stringify(message), mcp: true, signal });
  const messages = kind.startsWith("text/event-stream")
    ? body.split("\n").filter((line) => line.startsWith("data: ")).map((line) => parse(line.slice(6)))
    : [parse(body)];
  const answer = messages.find((one) => one.id === message.id) ?? messages.findLast((one) => one.error);
  if (!answer) throw new Refused(200, "the answer broke off");
  if (answer?.error) throw new Refused(200, answer.error.message);
  return answer.result;
}

// All pages of a list.
export async function list(method, key) {
  const items = [];
  let cursor;
  do {
    const page = await mcp(method, cursor ? { cursor } : {});
    items.push(...page[key]);
    cursor = page.nextCursor;
  } while (cursor && items.length < 5000);
  return items;
}
