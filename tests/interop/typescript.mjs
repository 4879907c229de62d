// Drives an MCP server with the official TypeScript SDK, version 1 or 2.
//
// Read from standard input by node, in the folder that holds the packages. PLAN in the environment is JSON: {"client",
// "transport", "command", "url", "env", "era", "steps"}. Prints one JSON line with each step's result or error as it
// stands on the wire, or with why there was no conversation. A step with a "target" has a conversation of its own, with
// another server. What is right is judged by the test that starts this script.

const plan = JSON.parse(process.env.PLAN);
const old = plan.client === 'typescript-1';
const sdk = await load();
const lists = {
  'tools/list': ['listTools', 'tools'],
  'resources/list': ['listResources', 'resources'],
  'resources/templates/list': ['listResourceTemplates', 'resourceTemplates'],
  'prompts/list': ['listPrompts', 'prompts'],
};

async function load() {
  if (!old) {
    const { StdioClientTransport } = await import('@modelcontextprotocol/client/stdio');
    return { ...(await import('@modelcontextprotocol/client')), StdioClientTransport };
  }
  // This node has no WebSocket of its own before version 22.
  globalThis.WebSocket ??= (await import('ws')).WebSocket;
  const parts = ['index', 'stdio', 'streamableHttp', 'sse', 'websocket'];
  return Object.assign({}, ...(await Promise.all(parts.map((part) => import(`@modelcontextprotocol/sdk/client/${part}.js`)))));
}

async function pages(client, method) {
  const [name, key] = lists[method];
  const items = [];
  let cursor;
  let count = 0;
  do {
    const page = await client[name](cursor === undefined ? {} : { cursor });
    items.push(...page[key]);
    cursor = page.nextCursor;
    count += 1;
  } while (cursor !== undefined);
  return { [key]: items, pages: count };
}

// Calls a slow tool, makes another call while it runs, calls the slow one off.
async function cancelled(client, { name, arguments: args, beside: other }) {
  const abort = new AbortController();
  let finished = false;
  const slow = call(client, name, args, { signal: abort.signal }).then(
    (result) => (finished = result),
    () => {},
  );
  const beside = await call(client, other.name, other.arguments, {});
  const early = finished;
  abort.abort('test');
  await slow;
  return { beside, finished: early };
}

function call(client, name, args, options) {
  const params = { name, arguments: args };
  return old ? client.callTool(params, undefined, options) : client.callTool(params, options);
}

async function run(client, step) {
  if (lists[step.method]) return pages(client, step.method);
  switch (step.method) {
    case 'resources/read':
      return client.readResource({ uri: step.uri });
    case 'prompts/get':
      return client.getPrompt({ name: step.name, arguments: step.arguments });
    case 'completion/complete':
      return client.complete({ ref: { type: 'ref/prompt', name: step.name }, argument: step.argument });
    case 'cancel':
      return cancelled(client, step);
    default: {
      const progress = [];
      const onprogress = (told) => progress.push([told.progress, told.total, told.message]);
      const result = await call(client, step.name, step.arguments, { onprogress });
      return { ...result, progress };
    }
  }
}

async function elsewhere(step) {
  const { client } = await connect(step.target);
  try {
    return await run(client, step);
  } finally {
    await client.close();
  }
}

async function attempt(client, step) {
  try {
    return { result: await (step.target ? elsewhere(step) : run(client, step)) };
  } catch (error) {
    if (typeof error.code === 'number') return { error: { code: error.code, message: error.message } };
    return { raised: `${error.name}: ${error.message}` };
  }
}

function transportTo({ transport, url, command: [command, ...args], env }) {
  switch (transport) {
    case 'stdio':
      return new sdk.StdioClientTransport({ command, args, env: { ...process.env, ...env }, stderr: 'ignore' });
    case 'http':
      return new sdk.StreamableHTTPClientTransport(new URL(url));
    case 'sse':
      return new sdk.SSEClientTransport(new URL(url));
    default:
      return new sdk.WebSocketClientTransport(new URL(url));
  }
}

async function connect(target) {
  const info = { name: 'interop', version: '1' };
  const mode = plan.era === 'modern' ? 'auto' : 'legacy';
  const client = new sdk.Client(info, old ? {} : { versionNegotiation: { mode } });
  const transport = transportTo(target);
  let protocol;
  // Version 1 tells the agreed protocol version to its transport only.
  const tell = transport.setProtocolVersion?.bind(transport);
  transport.setProtocolVersion = (version) => {
    protocol = version;
    tell?.(version);
  };
  await client.connect(transport);
  return { client, protocol: client.getNegotiatedProtocolVersion?.() ?? protocol };
}

async function converse() {
  const { client, protocol } = await connect(plan);
  const steps = {};
  for (const step of plan.steps) steps[step.as] = await attempt(client, step);
  return { report: { protocol, server: client.getServerVersion(), steps }, client };
}

const { report, client } = await converse().catch((error) => ({ report: { unable: `${error.name}: ${error.message}` } }));
console.log(JSON.stringify(report));
await client?.close();
process.exit(0);
