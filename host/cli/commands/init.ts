// init: writes device.yaml and countersign.yaml for a first device, from answers or options, and makes the keys that are not
// there. What it writes has passed the verifier. Nothing that exists is replaced: the two files only with --force, keys never.
//
// Without a terminal every answer is an option, or with --yes its default; all that is missing is named at once.

import { z } from 'zod';
import { wroteText } from '../../describe/made.js';
import { CountersignError } from '../../errors.js';
import { rows } from '../../formats/wording.js';
import {
  checkProject,
  DEVICE_FILE,
  PROJECT_FIELDS,
  type Project,
  type ProjectKey,
  PUBLIC_ENDING,
  planKey,
  SETTINGS_FILE,
  UNAPPROVED,
  writeProject,
} from '../../local/project.js';
import { command, flagOf } from '../command.js';
import { file, flag, option, text } from '../options.js';
import type { Terminal } from '../terminal.js';

export const init = command({
  name: 'init',
  summary: `write ${DEVICE_FILE} and ${SETTINGS_FILE}, and make the keys that they need`,
  details: [
    `${DEVICE_FILE} says who the device is, whom it trusts, and its policy. ${SETTINGS_FILE} holds the settings of this folder,`,
    'so that later commands need fewer options. Asks for every answer that is not given as an option.',
  ].join('\n'),
  arguments: {},
  options: {
    vendor: text('domain', 'vendor of the firmware: a domain or a UUID'),
    class: text('name', 'device class: a name or a UUID'),
    device: option('hex', 'id of the device; default: random', PROJECT_FIELDS.device.schema.optional()),
    vendorKey: file(`public key of the vendor; default: vendor${PUBLIC_ENDING}`),
    operatorKey: file(`public key of the operator; default: operator${PUBLIC_ENDING}`),
    unapproved: option(
      'reject|prompt',
      'what the device does with a package that is not approved; default: reject',
      z.enum(['reject', 'prompt']).optional(),
    ),
    yes: flag('use the defaults, and make keys that do not exist', { short: 'y' }),
    force: flag(`overwrite ${DEVICE_FILE} and ${SETTINGS_FILE}; keys are never overwritten`),
  },
  examples: ['countersign init', 'countersign init --vendor vendor.example --class sensor --yes'],
  writes: true,
  async run({ options, terminal, dryRun }) {
    await checkProject(options.force); // before anybody is asked
    const answers = await ask(options, terminal);
    const vendor = await keyOf(answers.vendorKey, options.yes, terminal);
    const operator = await keyOf(answers.operatorKey, options.yes, terminal);
    const files = await writeProject(answers, vendor, operator, { force: options.force, dryRun });
    const { vendorKey, operatorKey, ...rest } = answers;
    return {
      data: { written: !dryRun, files, anchors: { vendor: vendorKey, operator: operatorKey }, ...rest },
      lines: [wroteText(files.join(', '), dryRun), ...rows(Object.entries(rest))],
      next: ['package'],
    };
  },
});

type Field = { text: string; schema: z.ZodType<string>; fallback?: () => string };
type Given = Partial<Record<keyof Project, string | undefined>> & { yes: boolean };

async function ask(given: Given, terminal: Terminal): Promise<Project> {
  const wanted = Object.entries<Field>(PROJECT_FIELDS);
  const isOpen = (key: string, fallback: unknown) =>
    given[key as keyof Project] === undefined && (fallback === undefined || !given.yes);
  const open = wanted.filter(([key, { fallback }]) => isOpen(key, fallback)).map(([key]) => flagOf(key));
  if (isOpen('unapproved', true)) open.push('--unapproved');
  if (open.length > 0 && !terminal.interactive) {
    throw new CountersignError('NotTerminal', `init: cannot ask for ${open.join(', ')}`, {
      hint: `give ${open.join(', ')}${given.yes ? '' : '; --yes takes the default where there is one'}`,
    });
  }
  const answers = { unapproved: given.unapproved } as Project;
  for (const [name, { text, schema, fallback }] of wanted) {
    const key = name as keyof typeof PROJECT_FIELDS;
    const initial = given[key] ?? fallback?.();
    const fault = (line: string) => schema.safeParse(line).error?.issues[0]?.message;
    const asked = () => terminal.text(text, flagOf(key), fault, { initial });
    answers[key] = isOpen(key, fallback) ? schema.parse(await asked()) : initial!;
  }
  const policy = () => terminal.choose('A package that the operator did not approve', [...UNAPPROVED], '--unapproved');
  answers.unapproved ??= given.yes ? 'reject' : await policy();
  return answers;
}

/** A pair that is not there is made, if that is what was meant. */
async function keyOf(path: string, yes: boolean, terminal: Terminal): Promise<ProjectKey> {
  const planned = planKey(path);
  const make = yes || planned.files.length === 0;
  if (make || (await terminal.confirm(`${path} does not exist. Make a key pair?`, '--yes', true))) return planned;
  throw new CountersignError('FileNotFound', `init: there is no ${path}`, { hint: 'copy the public key there' });
}
