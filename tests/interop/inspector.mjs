// Drives an MCP server with the CLI of the official inspector, one process a step.
//
// Read from standard input by node, in the folder that holds the packages. PLAN in the environment is JSON:
// {"transport", "command", "url", "era", "steps"}. Prints one JSON line with each step's result or error as the CLI gives
// them; without steps, with why there was no conversation. What is right is judged by the test that starts this script.

import { spawn } from 'node:child_process';

const plan = JSON.parse(process.env.PLAN);
const cli = 'node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js';

function options(step) {
  switch (step.method) {
    case 'tools/list':
    case 'resources/list':
    case 'resources/templates/list':
    case 'prompts/list':
      return [];
    case 'tools/call':
      return ['--tool-name', step.name, '--tool-args-json', JSON.stringify(step.arguments)];
    case 'resources/read':
      return ['--uri', step.uri];
    case 'prompts/get': {
      const pairs = Object.entries(step.arguments).map(([key, value]) => `${key}=${value}`);
      return ['--prompt-name', step.name, ...(pairs.length > 0 ? ['--prompt-args', ...pairs] : [])];
    }
    case 'completion/complete':
      return ['--prompt-name', step.name];
    default:
      return undefined;
  }
}

async function run(step) {
  const own = options(step);
  if (own === undefined) return { skipped: `the inspector's CLI has no ${step.method}` };
  const url = ['--server-url', plan.url, '--transport', plan.transport];
  const target = plan.transport === 'stdio' ? plan.command : url;
  const general = ['--protocol-era', plan.era, '--format', 'json', '--quiet', '--connect-timeout', '20000'];
  const child = spawn(process.execPath, [cli, '--cli', ...target, ...general, '--method', step.method, ...own], {
    env: { ...process.env, ...plan.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [output, errors] = ['', ''];
  child.stdout.on('data', (data) => (output += data));
  child.stderr.on('data', (data) => (errors += data));
  const code = await new Promise((resolve) => child.on('close', resolve));
  const answer = output || errors;
  try {
    const { result, error } = JSON.parse(answer);
    return result === undefined ? { error } : { result };
  } catch {
    return { raised: `exit ${code}: ${answer}` };
  }
}

const steps = {};
if (plan.steps.length === 0) {
  const answer = await run({ method: 'tools/list' });
  console.log(JSON.stringify(answer.result ? { protocol: plan.era } : { unable: JSON.stringify(answer) }));
  process.exit(0);
}
for (const step of plan.steps) steps[step.as] = await run(step);
console.log(JSON.stringify({ steps }));
