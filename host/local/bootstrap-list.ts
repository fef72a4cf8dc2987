// One bootstrap document for each device of a list: a template in YAML, in which only the device, and its groups, are others.

import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Core } from '../core.js';
import { CountersignError } from '../errors.js';
import { readBytes, readText, writeBytes } from '../files.js';
import { utf8 } from '../formats/bytes.js';
import { type ListedDevice, readDeviceList } from '../formats/device-list.js';
import { topicNameSchema } from '../formats/topic-name.js';
import { yamlValue } from '../formats/yaml-text.js';
import { bootstrapFromFile } from '../named-files.js';
import { provisionCore } from '../operator/foresee.js';

export interface ListedBootstrap extends ListedDevice {
  document: Uint8Array;
}

/** Throws FileMalformed for the list, and what a bootstrap file throws. */
export async function readBootstrapList(
  core: Pick<Core, 'provision'>,
  template: string,
  list: string,
): Promise<ListedBootstrap[]> {
  const devices = readDeviceList(await readText(list), list, topicNameSchema);
  const bytes = await readBytes(template);
  if (((bytes[0] ?? 0) & 0xe0) === 0xa0) {
    throw new CountersignError('BadArgument', `bootstrap: ${template} is an encoded document: the template is YAML`);
  }
  const shared = yamlValue(bytes, { area: 'bootstrap', what: template, hint: 'docs/fleet.md shows a template' });
  if (typeof shared !== 'object' || shared === null) {
    throw new CountersignError('FileMalformed', `bootstrap: ${template} is no bootstrap file`);
  }
  const read = remembering((path: string) => readBytes(resolve(dirname(template), path)));
  const made: ListedBootstrap[] = [];
  for (const device of devices) {
    const { id, groups } = device;
    const own = { ...shared, device: id, ...(groups.length > 0 && { groups }) };
    // JSON is YAML.
    const document = await bootstrapFromFile(utf8(JSON.stringify(own)), `${template} for ${device.name}`, read);
    provisionCore(core, document, `${template} for ${device.name}`);
    made.push({ ...device, document });
  }
  return made;
}

/** Writes each to NAME.cbor in a folder, which is made if it is not there. */
export async function writeBootstraps(
  made: readonly ListedBootstrap[],
  folder: string,
  dryRun: boolean,
): Promise<{ name: string; id: string; outcome: 'written'; file: string }[]> {
  if (!dryRun) await mkdir(folder, { recursive: true });
  const ends: { name: string; id: string; outcome: 'written'; file: string }[] = [];
  for (const { name, id, document } of made) {
    const file = join(folder, `${name}.cbor`);
    if (!dryRun) await writeBytes(file, document);
    ends.push({ name, id, outcome: 'written', file });
  }
  return ends;
}

/** The same file is named by every document. */
function remembering(read: (path: string) => Promise<Uint8Array>): (path: string) => Promise<Uint8Array> {
  const known = new Map<string, Promise<Uint8Array>>();
  return (path) => {
    const found = known.get(path) ?? read(path);
    known.set(path, found);
    return found;
  };
}
