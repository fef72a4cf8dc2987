// init: writes device.yaml and countersign.yaml for a first device, from answers or options, and makes the keys that are not
// there. What it writes has passed the verifier. Nothing that exists is replaced: the two files only with --force, keys never.
//
// Without a terminal every answer is an option, or with --yes its default; all that is missing is named at once.

import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { stringify } from 'yaml';
import { z } from 'zod';
import { CountersignError } from '../../errors.js';
import { readBytes } from '../../files.js';
import { hex } from '../../formats/bytes.js';
import { splitKeyName } from '../../formats/keys.js';
import { generateKey } from '../../keys/read.js';
import { type NewFile, pairFiles, writeFiles } from '../../local/key-files.js';
import { bootstrapFromFile } from '../../named-files.js';
import { reasonOf } from '../../reasons.js';
import { loadCore } from '../../wasm.js';
import { command, flagOf } from '../command.js';
import { rows } from '../show.js';
import type { Terminal } from '../terminal.js';
import { hexSchema, pathSchema, switchSchema, textSchema } from '../values.js';

const DEVICE_FILE = 'device.yaml';
const SETTINGS_FILE = 'countersign.yaml';
const DEVICE_ID_BYTES = 8;
const PUBLIC_ENDING = '.pub.pem';
const UNAPPROVED = [
  { value: 'reject', label: 'reject: the device refuses it' },
  { value: 'prompt', label: 'prompt: the device asks its user' },
] as const;

const deviceSchema = hexSchema.refine(({ length }) => length <= 32, 'is longer than 32 bytes').transform(hex);

interface Question {
  text: string;
  schema: z.ZodType<string>;
  fallback?: () => string;
}

/** In the order in which they are asked. */
const QUESTIONS = {
  vendor: { text: 'Vendor of the firmware (a domain)', schema: textSchema },
  class: { text: 'Device class (a name)', schema: textSchema },
  device: { text: 'Id of the device (hex)', schema: deviceSchema, fallback: () => hex(randomBytes(DEVICE_ID_BYTES)) },
  vendorKey: { text: 'Public key of the vendor', schema: pathSchema, fallback: () => `vendor${PUBLIC_ENDING}` },
  operatorKey: { text: 'Public key of the operator', schema: pathSchema, fallback: () => `operator${PUBLIC_ENDING}` },
} satisfies Record<string, Question>;

type Answers = Record<keyof typeof QUESTIONS, string> & { unapproved: string };

export const init = command({
  name: 'init',
  summary: `write ${DEVICE_FILE} and ${SETTINGS_FILE}, and make the keys that they need`,
  details: [
    `${DEVICE_FILE} says who the device is, whom it trusts, and its policy. ${SETTINGS_FILE} holds the settings of this folder,`,
    'so that later commands need fewer options. Asks for every answer that is not given as an option.',
  ].join('\n'),
  arguments: {},
  options: {
    vendor: { value: 'domain', text: 'vendor of the firmware: a domain or a UUID', schema: textSchema.optional() },
    class: { value: 'name', text: 'device class: a name or a UUID', schema: textSchema.optional() },
    device: { value: 'hex', text: 'id of the device; default: random', schema: deviceSchema.optional() },
    vendorKey: {
      value: 'file',
      text: `public key of the vendor; default: vendor${PUBLIC_ENDING}`,
      schema: pathSchema.optional(),
    },
    operatorKey: {
      value: 'file',
      text: `public key of the operator; default: operator${PUBLIC_ENDING}`,
      schema: pathSchema.optional(),
    },
    unapproved: {
      value: 'reject|prompt',
      text: 'what the device does with a package that is not approved; default: reject',
      schema: z.enum(['reject', 'prompt']).optional(),
    },
    yes: { short: 'y', text: 'use the defaults, and make keys that do not exist', schema: switchSchema },
    force: { text: `overwrite ${DEVICE_FILE} and ${SETTINGS_FILE}; keys are never overwritten`, schema: switchSchema },
  },
  examples: ['countersign init', 'countersign init --vendor vendor.example --class sensor --yes'],
  writes: true,
  async run({ options, terminal, dryRun }) {
    const targets: NewFile[] = [DEVICE_FILE, SETTINGS_FILE].map((path) => [path, '', 0o644]);
    await writeFiles(targets, options.force, true); // before anybody is asked
    const answers = await ask(options, terminal);
    const vendor = await keyOf(answers.vendorKey, options.yes, terminal);
    const operator = await keyOf(answers.operatorKey, options.yes, terminal);
    const made = [...vendor.files, ...operator.files];
    const device = deviceText(answers);
    const settings = settingsText(answers, vendor.private, operator.private);
    const fresh = new Map(made.map(([path, content]) => [path, new Uint8Array(Buffer.from(content))]));
    const read = async (path: string) => fresh.get(path) ?? readBytes(path);
    const fault = (await loadCore()).provision(await bootstrapFromFile(Buffer.from(device), DEVICE_FILE, read));
    if (fault !== 0) throw new CountersignError(fault, `init: ${reasonOf(fault).text}`);
    const files: NewFile[] = [
      [DEVICE_FILE, device, 0o644],
      [SETTINGS_FILE, settings, 0o644],
    ];
    await writeFiles(files, options.force, true);
    await writeFiles(made, false, dryRun);
    await writeFiles(files, options.force, dryRun);
    const written = [...made, ...files].map(([path]) => path);
    const { vendorKey, operatorKey, ...rest } = answers;
    return {
      data: { written: !dryRun, files: written, anchors: { vendor: vendorKey, operator: operatorKey }, ...rest },
      lines: [`${dryRun ? 'would write' : 'wrote'} ${written.join(', ')}`, ...rows(Object.entries(rest))],
      next: ['package'],
    };
  },
});

type Given = Partial<Record<keyof Answers, string | undefined>> & { yes: boolean };

async function ask(given: Given, terminal: Terminal): Promise<Answers> {
  const wanted = Object.entries<Question>(QUESTIONS);
  const isOpen = (key: string, fallback: unknown) =>
    given[key as keyof Answers] === undefined && (fallback === undefined || !given.yes);
  const open = wanted.filter(([key, { fallback }]) => isOpen(key, fallback)).map(([key]) => flagOf(key));
  if (isOpen('unapproved', true)) open.push('--unapproved');
  if (open.length > 0 && !terminal.interactive) {
    throw new CountersignError('NotTerminal', `init: cannot ask for ${open.join(', ')}`, {
      hint: `give ${open.join(', ')}${given.yes ? '' : '; --yes takes the default where there is one'}`,
    });
  }
  const answers = { unapproved: given.unapproved } as Answers;
  for (const [name, { text, schema, fallback }] of wanted) {
    const key = name as keyof typeof QUESTIONS;
    const initial = given[key] ?? fallback?.();
    const fault = (line: string) => schema.safeParse(line).error?.issues[0]?.message;
    const asked = () => terminal.text(text, flagOf(key), fault, { initial });
    answers[key] = isOpen(key, fallback) ? schema.parse(await asked()) : initial!;
  }
  const policy = () => terminal.choose('A package that the operator did not approve', [...UNAPPROVED], '--unapproved');
  answers.unapproved ??= given.yes ? 'reject' : await policy();
  return answers;
}

/** Where the private half is, if it is here; and the files of both, if they are to be made. */
async function keyOf(
  name: string,
  yes: boolean,
  terminal: Terminal,
): Promise<{ private: string | undefined; files: NewFile[] }> {
  const { path } = splitKeyName(name);
  const base = path.endsWith(PUBLIC_ENDING) ? path.slice(0, -PUBLIC_ENDING.length) : undefined;
  const beside = `${base}.pem`;
  if (existsSync(path)) return { private: base !== undefined && existsSync(beside) ? beside : undefined, files: [] };
  if (base === undefined) throw new CountersignError('FileNotFound', `init: there is no ${path}`);
  if (existsSync(beside)) {
    throw new CountersignError('FileExists', `init: there is ${beside}, but no ${path}`, {
      hint: `\`countersign inspect ${beside} --public ${path}\` writes the public key`,
    });
  }
  if (!yes && !(await terminal.confirm(`${path} does not exist. Make a key pair?`, '--yes'))) {
    throw new CountersignError('FileNotFound', `init: there is no ${path}`, { hint: 'copy the public key there' });
  }
  return { private: beside, files: pairFiles(base, generateKey('ed25519')) };
}

const deviceText = ({ device, vendor, class: name, vendorKey, operatorKey, unapproved }: Answers): string =>
  `# Who the device is, whom it trusts, and its policy. docs/bootstrap-and-policy.md explains every field.\n${stringify(
    {
      device,
      vendor,
      class: name,
      anchors: [
        { role: 'vendor', key: vendorKey },
        { role: 'operator', key: operatorKey },
      ],
      policy: { unapproved },
    },
  )}`;

/** Names as in config.ts; without the private halves that are elsewhere. */
const settingsText = (
  { vendor, class: name, vendorKey }: Answers,
  vendorPrivate: string | undefined,
  operatorPrivate: string | undefined,
): string =>
  `# Settings of countersign in this folder and below. "countersign config show --origin" lists all.\n${stringify({
    vendor,
    class: name,
    'vendor-key': vendorPrivate,
    'vendor-public-key': vendorKey,
    'operator-key': operatorPrivate,
    bootstrap: DEVICE_FILE,
  })}`;
