// The three steps of a signature on two machines (../ceremony.ts), with request and signature in files that lie beside each
// other: NAME.request.yaml and NAME.sig.

import { type Assembled, assembleRequest, prepareRequest, readRequest, requireSigner } from '../ceremony.js';
import { mayWriteAll, readBytes, readText, writeBytes } from '../files.js';
import type { PublicKey } from '../formats/keys.js';
import type { Form, SigningRequest } from '../formats/signing-request.js';
import { loadCore } from '../wasm.js';

const REQUEST_BYTES_MAX = 65536;
const SIGNATURE_FILE_BYTES_MAX = 256;
const REQUEST_ENDING = '.request.yaml';

/** A request or signature without its ending: what the names of all that belongs to it begin with. */
export const baseOf = (path: string): string => path.replace(/\.(request\.yaml|sig)$/, '');

export interface RequestFiles {
  /** Default: `base` with .request.yaml. */
  output?: string | undefined;
  /** Where the bytes that are to be signed go as well, for other tools. */
  raw?: string | undefined;
  dryRun?: boolean;
}

/** Step 1. `base` is the path of what will come out, without its ending. Returns the path of the request. */
export async function writeRequest(
  request: SigningRequest,
  base: string,
  { output = `${base}${REQUEST_ENDING}`, raw, dryRun = false }: RequestFiles,
): Promise<string> {
  const { text, toBeSigned } = prepareRequest(request, output);
  await mayWriteAll([output, raw]);
  await writeBytes(output, text, { dryRun });
  if (raw !== undefined) await writeBytes(raw, toBeSigned, { dryRun });
  return output;
}

/** Throws FileMalformed or RequestMismatch, see `readRequest`. */
export const readRequestFile = async (path: string, takes: readonly Form[]): Promise<SigningRequest> =>
  readRequest(await readText(path, REQUEST_BYTES_MAX), path, takes);

export interface Attached extends Assembled {
  /** Path of what comes out, without its ending. */
  base: string;
}

export interface Attaching {
  /** Path of the request; default: beside the signature. */
  request?: string | undefined;
  /** Called before the key is asked for. */
  show(request: SigningRequest, path: string): void;
  /** The public half of the key that made the signature. */
  key(): Promise<PublicKey>;
}

/** Step 3: a request and its signature, found to belong together and to the key. Throws what `assembleRequest` throws. */
export async function attachSignature(
  path: string,
  takes: readonly Form[],
  { request: named, show, key }: Attaching,
): Promise<Attached> {
  const base = baseOf(path);
  const names = { request: named ?? `${base}${REQUEST_ENDING}`, signature: path };
  const request = await readRequestFile(names.request, takes);
  show(request, names.request);
  const mine = await key();
  requireSigner(request, mine, names.request);
  const signature = await readBytes(path, SIGNATURE_FILE_BYTES_MAX);
  return { ...assembleRequest(await loadCore(), request, signature, mine, names), base };
}
