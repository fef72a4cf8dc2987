// The files of a first device: device.yaml (who it is, whom it trusts, its policy), countersign.yaml (the settings of the
// folder), and keys that are not there yet. What is written has passed the verifier. Nothing that exists is replaced: the two
// files only by `force`, keys never.

import { existsSync } from 'node:fs';
import { stringify } from 'yaml';
import { CountersignError } from '../errors.js';
import { readBytes } from '../files.js';
import { utf8 } from '../formats/bytes.js';
import { splitKeyName } from '../formats/keys.js';
import { generateKey } from '../keys/read.js';
import { bootstrapFromFile } from '../named-files.js';
import { reasonOf } from '../reasons.js';
import { loadCore } from '../wasm.js';
import { type NewFile, pairFiles, writeFiles } from './key-files.js';

export const DEVICE_FILE = 'device.yaml';
export const SETTINGS_FILE = 'countersign.yaml';
export const PUBLIC_ENDING = '.pub.pem';
const MODE = 0o644;

export interface Project {
  /** Domain or UUID. */
  vendor: string;
  /** Name or UUID of the device class. */
  class: string;
  /** Id of the device: hex of 1 to 32 bytes. */
  device: string;
  /** Paths of public keys. */
  vendorKey: string;
  operatorKey: string;
  /** What the device does with a package that is not approved: reject or prompt. */
  unapproved: string;
}

export interface ProjectKey {
  /** Path of the private half, if it is here or about to be. */
  private: string | undefined;
  /** Both halves, if they are to be made. */
  files: NewFile[];
}

/** The key of that path; a new pair if there is none yet. Throws FileNotFound or FileExists if it cannot be made. */
export function planKey(name: string): ProjectKey {
  const { path } = splitKeyName(name);
  const base = path.endsWith(PUBLIC_ENDING) ? path.slice(0, -PUBLIC_ENDING.length) : undefined;
  const beside = `${base}.pem`;
  if (existsSync(path)) return { private: base !== undefined && existsSync(beside) ? beside : undefined, files: [] };
  if (base === undefined) throw new CountersignError('FileNotFound', `init: there is no ${path}`);
  if (!existsSync(beside)) return { private: beside, files: pairFiles(base, generateKey('ed25519')) };
  throw new CountersignError('FileExists', `init: there is ${beside}, but no ${path}`, {
    hint: `\`countersign inspect ${beside} --public ${path}\` writes the public key`,
  });
}

/** Throws FileExists or FileUnwritable if the two files could not be written. */
export const checkProject = (force: boolean): Promise<void> =>
  writeFiles(
    [DEVICE_FILE, SETTINGS_FILE].map((path): NewFile => [path, '', MODE]),
    force,
    true,
  );

/** Writes all of it into the working folder, keys first; returns the paths. Throws what the verifier says of the device. */
export async function writeProject(
  project: Project,
  vendor: ProjectKey,
  operator: ProjectKey,
  { force, dryRun }: { force: boolean; dryRun: boolean },
): Promise<string[]> {
  const keys = [...vendor.files, ...operator.files];
  const files: NewFile[] = [
    [DEVICE_FILE, deviceText(project), MODE],
    [SETTINGS_FILE, settingsText(project, vendor.private, operator.private), MODE],
  ];
  const fresh = new Map(keys.map(([path, content]) => [path, typeof content === 'string' ? utf8(content) : content]));
  const read = async (path: string) => fresh.get(path) ?? readBytes(path);
  const bootstrap = await bootstrapFromFile(utf8(deviceText(project)), DEVICE_FILE, read);
  const fault = (await loadCore()).provision(bootstrap);
  if (fault !== 0) throw new CountersignError(fault, `init: ${reasonOf(fault).text}`);
  await writeFiles(files, force, true);
  await writeFiles(keys, false, dryRun);
  await writeFiles(files, force, dryRun);
  return [...keys, ...files].map(([path]) => path);
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
