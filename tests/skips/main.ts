// npm run skips: leaves out one instruction of the verifier, or of the whole agent, at a time, and counts how often something is
// installed that must not be; HELP says how. Emulated: a real glitch does other things, too.

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { PATH_SCENARIOS, path } from './path.js';
import { AGENT_PLANTS } from './plants.js';
import { VERIFIER_SCENARIOS, verifier } from './verifier.js';

const PROGRAMS = ['verifier', 'agent'];
const HELP = `npm run skips [-- OPTIONS]: leaves out one instruction at a time, on an emulated Cortex-M0

  --program NAME    verifier: judges a package; agent: upload, verdict, order, swap, resets, start; without it both
  --scenario NAME   only this one; may be repeated: ${[...new Set([...VERIFIER_SCENARIOS, ...PATH_SCENARIOS])].join(', ')}
  --sample N        of the agent, one in N of them alone, N at most 40
  --every           every execution of every instruction; without it the first and the last one of each address
  --planted         the agent without its second looks: ends 0 only if a skip installs what was withdrawn
  --list            the addresses of those that install, and beside them what objdump says
  --json FILE       also writes the figures

needs arm-none-eabi-gcc and cc. Ends 0 only if no single skip installs what must not be installed`;

export async function main(root: string, argv: string[]): Promise<number> {
  const { values } = parseArgs({
    args: argv,
    options: {
      program: { type: 'string' },
      every: { type: 'boolean', default: false },
      scenario: { type: 'string', multiple: true },
      sample: { type: 'string', default: '1' },
      planted: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  if (values.planted) {
    const rows = await path(root, (name) => name === 'withdrawn', { how: 'find', listed: true, plants: AGENT_PLANTS });
    return rows.some(({ installed }) => installed > 0) ? 0 : 1;
  }
  const { program, scenario } = values;
  if (program !== undefined && !PROGRAMS.includes(program)) throw new Error(`skips: no program ${program}\n\n${HELP}`);
  const wanted = (name: string) => scenario === undefined || scenario.includes(name);
  const judged = program === 'agent' ? [] : await verifier(root, wanted, { every: values.every, listed: values.list });
  const run =
    program === 'verifier'
      ? []
      : await path(root, wanted, {
          how: values.every ? 'every' : 'first',
          listed: values.list,
          sample: Math.max(1, Math.floor(Number(values.sample)) || 1),
        });
  if (judged.length + run.length === 0) throw new Error(`skips: no scenario ${scenario?.join(', ')}\n\n${HELP}`);
  if (values.json) writeFileSync(values.json, JSON.stringify({ verifier: judged, agent: run }));
  const installs =
    judged.reduce((sum, row) => sum + row.installs, 0) + run.reduce((sum, row) => sum + row.installed, 0);
  console.log(`single skips that install: ${installs}`);
  return installs === 0 ? 0 : 1;
}
