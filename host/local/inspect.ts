// A file that a person named, described whatever it is (describe/file.ts), and taken apart.

import { type Description, describe } from '../describe/file.js';
import { CountersignError } from '../errors.js';
import { mayWriteAll, readBytes, writeBytes } from '../files.js';
import { viewApproval } from '../formats/approval.js';
import { claimsToYaml } from '../formats/approval-yaml.js';
import type { Bytes } from '../formats/byte-source.js';
import { openEnvelope, payloadIn, withoutPayload } from '../formats/envelope.js';
import { splitKeyName } from '../formats/keys.js';
import { readPublicHalf } from '../keys/read.js';
import type { KeySecrets } from '../named-key.js';
import { withFile } from '../open-file.js';
import { readBootstrapFile } from './bootstrap-file.js';

/** By its name: any text might be a firmware image. */
const YAML = /\.ya?ml$/i;
/** Of documents that a device would not take as well. */
const DOCUMENT_FILE_BYTES_MAX = 1024 * 1024;

/**
 * Describes the file, a bootstrap file in YAML as the document that it becomes; `use` gets its content, which is there until it
 * has ended. `name` is a path, or raw-seed:PATH and raw-public:PATH.
 */
export function withDescribed<T>(
  name: string,
  secrets: Pick<KeySecrets, 'passphrase'>,
  use: (found: Description, content: Bytes) => Promise<T>,
): Promise<T> {
  const { path, raw } = splitKeyName(name);
  const readKey = (bytes: Uint8Array) => readPublicHalf(bytes, path, () => secrets.passphrase(path), raw);
  const shown = async (content: Bytes) => use(await describe(content, path, readKey, raw), content);
  return YAML.test(path) ? readBootstrapFile(path).then(shown) : withFile(path, shown);
}

/** The YAML twin of an approval document. */
export const documentYaml = async (path: string): Promise<string> =>
  claimsToYaml(viewApproval(await readBytes(path, DOCUMENT_FILE_BYTES_MAX), path).claims);

/** Writes the firmware of a package, and the package without it. Throws PayloadMissing if it holds none. */
export async function takeApart(
  content: Bytes,
  name: string,
  { payload: payloadPath, sever }: { payload?: string | undefined; sever?: string | undefined },
  dryRun: boolean,
): Promise<void> {
  if (payloadPath === undefined && sever === undefined) return;
  const envelope = await openEnvelope(content, name);
  const payload = payloadIn(envelope);
  if (payload === undefined) throw new CountersignError('PayloadMissing', `package: ${name} holds no firmware`);
  await mayWriteAll([payloadPath, sever]);
  if (payloadPath !== undefined) await writeBytes(payloadPath, [payload.value], { dryRun });
  if (sever !== undefined) await writeBytes(sever, withoutPayload(envelope), { dryRun });
}
