// Drives an MCP server with the official TypeScript SDK, version 1 or 2.
//
// Read from standard input by node, in the folder that holds the packages. PLAN in the environment is JSON: {"sdk",
// "transport", "command", "url", "era", "steps"}. Prints one JSON line with each step's result or error as it stands on
// the wire. What is right is judged by the test that starts this script.

const plan = JSON.parse(process.env.PLAN);
const sdk = await load(plan.sdk);
const lists = {
  'tools/list': ['listTools', 'tools'],
  'resources/list': ['listResources', 'resources'],
  'resources/templates/list': ['listResourceTemplates', 'resourceTemplates'],
  'prompts/list': ['listPrompts', 'prompts'],
};

async function load(version) {
  if (version === 1) {
    const { Client } = await import('@modelcontextprotocol/sdk/client/index.js');
    const { StdioClientTransport } = await import('@modelcontextprotocol/sdk/client/stdio.js');
    const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/sdk/client/streamableHttp.js');
    return { Client, StdioClientTransport, StreamableHTTPClientTransport };
  }
  const { Client, StreamableHTTPClientTransport } = await import('@modelcontextprotocol/client');
  const { StdioClientTransport } = await import('@modelcontextprotocol/client/stdio');
  return { Client, StdioClientTransport, StreamableHTTPClientTransport };
}

async function pages(method) {
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
async function cancelled({ name, arguments: args, beside: other }) {
  const abort = new AbortController();
  let finished = false;
  const slow = call(name, args, { signal: abort.signal }).then(
    () => (finished = true),
    () => {},
  );
  const beside = await call(other.name, other.arguments, {});
  const early = finished;
  abort.abort('test');
  await slow;
  return { beside, finished: early };
}

function call(name, args, options) {
  const params = { name, arguments: args };
  return plan.sdk === 1 ? client.callTool(params, undefined, options) : client.callTool(params, options);
}

async function run(step) {
  if (lists[step.method]) return pages(step.method);
  switch (step.method) {
    case 'ping':
      return client.ping();
    case 'resources/read':
      return client.readResource({ uri: step.uri });
    case 'prompts/get':
      return client.getPrompt({ name: step.name, arguments: step.arguments });
    case 'completion/complete':
      return client.complete({ ref: { type: 'ref/prompt', name: step.name }, argument: step.argument });
    case 'cancel':
      return cancelled(step);
    default: {
      let progress = 0;
      const result = await call(step.name, step.arguments, { onprogress: () => (progress += 1) });
      return { ...result, progress };
    }
  }
}

async function attempt(step) {
  try {
    return { result: await run(step) };
  } catch (error) {
    if (typeof error.code === 'number') return { error: { code: error.code, message: error.message } };
    return { raised: `${error.name}: ${error.message}` };
  }
}

const info = { name: 'interop', version: '1' };
const mode = plan.era === 'modern' ? 'auto' : 'legacy';
const client = new sdk.Client(info, plan.sdk === 1 ? {} : { versionNegotiation: { mode } });
const [command, ...args] = plan.command;
const transport =
  plan.transport === 'http'
    ? new sdk.StreamableHTTPClientTransport(new URL(plan.url))
    : new sdk.StdioClientTransport({ command, args, env: { ...process.env, ...plan.env }, stderr: 'ignore' });
let protocol;
if (plan.sdk === 1) transport.setProtocolVersion = within(transport.setProtocolVersion?.bind(transport));
await client.connect(transport);
const steps = {};
for (const step of plan.steps) steps[step.as] = await attempt(step);
protocol ??= client.getNegotiatedProtocolVersion?.();
console.log(JSON.stringify({ protocol, server: client.getServerVersion(), steps }));
await client.close();

// Version 1 tells the agreed protocol version to its transport only.
function within(tell) {
  return (version) => {
    protocol = version;
    tell?.(version);
  };
}
