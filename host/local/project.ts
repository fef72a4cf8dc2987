// The files of a first device: device.yaml (who it is, whom it trusts, its policy), countersign.yaml (the settings of the
// folder), and keys that are not there yet. What is written has passed the verifier; all of it is written, or nothing. Nothing
// that exists is replaced: the two files only by `force`, keys never.

import { randomBytes } from 'node:crypto';
import { lstatSync } from 'node:fs';
import { resolve } from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import { CountersignError } from '../errors.js';
import { type NewFile, readBytes, writeTogether } from '../files.js';
import { hex, utf8 } from '../formats/bytes.js';
import { splitKeyName } from '../formats/keys.js';
import { hexSchema } from '../formats/typed.js';
import { generateKey } from '../keys/read.js';
import { bootstrapFromFile } from '../named-files.js';
import { provisionCore } from '../operator/foresee.js';
import { loadCore } from '../wasm.js';
import { pairFiles } from './key-files.js';

export const DEVICE_FILE = 'device.yaml';
export const SETTINGS_FILE = 'countersign.yaml';
export const PUBLIC_ENDING = '.pub.pem';
const MODE = 0o644;
const DEVICE_ID_BYTES_MAX = 32;

const text = z.string().min(1, 'is empty');
const deviceSchema = hexSchema.refine(({ length }) => length <= DEVICE_ID_BYTES_MAX, 'is longer than 32 bytes');

/** What is asked for, in this order; a `fallback` is what most people want. */
export const PROJECT_FIELDS = {
  vendor: { text: 'Vendor of the firmware (a domain)', schema: text },
  class: { text: 'Device class (a name)', schema: text },
  device: { text: 'Id of the device (hex)', schema: deviceSchema.transform(hex), fallback: () => hex(randomBytes(8)) },
  vendorKey: { text: 'Public key of the vendor', schema: text, fallback: () => `vendor${PUBLIC_ENDING}` },
  operatorKey: { text: 'Public key of the operator', schema: text, fallback: () => `operator${PUBLIC_ENDING}` },
} satisfies Record<string, { text: string; schema: z.ZodType<string>; fallback?: () => string }>;

/** What the device does with a package that is not approved. */
export const UNAPPROVED = [
  { value: 'reject', label: 'reject: the device refuses it' },
  { value: 'prompt', label: 'prompt: the device asks its user' },
] as const;

/** Vendor and class as domain and name, or UUIDs; the device's id as hex of 1 to 32 bytes; paths of public keys. */
export type Project = Record<keyof typeof PROJECT_FIELDS, string> & { unapproved: string };

export interface ProjectKey {
  /** Path of the private half, if it is here or about to be. */
  private: string | undefined;
  /** Both halves, if they are to be made. */
  files: NewFile[];
}

/** A link that leads nowhere is there, too. */
const isThere = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

/** The key of that path; a new pair if there is none yet. Throws FileNotFound or FileExists if it cannot be made. */
export function planKey(name: string): ProjectKey {
  const { path } = splitKeyName(name);
  const base = path.endsWith(PUBLIC_ENDING) ? path.slice(0, -PUBLIC_ENDING.length) : undefined;
  const beside = `${base}.pem`;
  if (isThere(path)) return { private: base !== undefined && isThere(beside) ? beside : undefined, files: [] };
  if (base === undefined) throw new CountersignError('FileNotFound', `init: there is no ${path}`);
  if (!isThere(beside)) return { private: beside, files: pairFiles(base, generateKey('ed25519')) };
  throw new CountersignError('FileExists', `init: there is ${beside}, but no ${path}`, {
    hint: `\`countersign inspect ${beside} --public ${path}\` writes the public key`,
  });
}

/** Throws FileExists or FileUnwritable if the two files could not be written. */
export const checkProject = (force: boolean): Promise<void> =>
  writeTogether(
    [DEVICE_FILE, SETTINGS_FILE].map((path): NewFile => [path, '', MODE]),
    { fresh: !force, dryRun: true },
  );

/**
 * Writes all of it into the working folder, or nothing; returns the paths. Throws what the verifier says of the device, and
 * BadArgument if both keys would be one file.
 */
export async function writeProject(
  project: Project,
  vendor: ProjectKey,
  operator: ProjectKey,
  { force, dryRun }: { force: boolean; dryRun: boolean },
): Promise<string[]> {
  if (vendor.files.length > 0 && resolve(project.vendorKey) === resolve(project.operatorKey)) {
    const message = `init: ${project.vendorKey} is the key of the vendor and of the operator`;
    throw new CountersignError('BadArgument', message, { hint: 'give each of them a key of its own' });
  }
  const keys = [...vendor.files, ...operator.files];
  const files: NewFile[] = [
    [DEVICE_FILE, deviceText(project), MODE],
    [SETTINGS_FILE, settingsText(project, vendor.private, operator.private), MODE],
  ];
  const fresh = new Map(keys.map(([path, content]) => [path, typeof content === 'string' ? utf8(content) : content]));
  const read = async (path: string) => fresh.get(path) ?? readBytes(path);
  const bootstrap = await bootstrapFromFile(utf8(deviceText(project)), DEVICE_FILE, read);
  provisionCore(await loadCore(), bootstrap, DEVICE_FILE);
  const written = [...keys.map((key): NewFile => [key[0], key[1], key[2], true]), ...files];
  await writeTogether(written, { fresh: !force, dryRun });
  return written.map(([path]) => path);
}

function deviceText({ device, vendor, class: name, vendorKey, operatorKey, unapproved }: Project): string {
  const anchors = [
    { role: 'vendor', key: vendorKey },
    { role: 'operator', key: operatorKey },
  ];
  const text = stringify({ device, vendor, class: name, anchors, policy: { unapproved } });
  return `# Who the device is, whom it trusts, and its policy. docs/bootstrap-and-policy.md explains every field.\n${text}`;
}

/** Names as in config.ts; without the private halves that are elsewhere. */
function settingsText({ vendor, class: name, vendorKey }: Project, vendorPrivate?: string, operatorPrivate?: string) {
  const text = stringify({
    vendor,
    class: name,
    'vendor-key': vendorPrivate,
    'vendor-public-key': vendorKey,
    'operator-key': operatorPrivate,
    bootstrap: DEVICE_FILE,
  });
  return `# Settings of countersign in this folder and below. "countersign config show --origin" lists all.\n${text}`;
}
