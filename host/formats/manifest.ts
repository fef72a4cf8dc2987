// A SUIT manifest as a person reads it: what it is for, what it installs, and its commands by name.
//
// For showing only, and of any manifest: what this profile does not support is shown too. Nothing read here is
// authenticated, and no decision hangs on it; digests are compared so that damage can be seen.

import { CountersignError } from '../errors.js';
import { type Bytes, sha256Of } from './byte-source.js';
import { same, sha256 } from './bytes.js';
import { type Cbor, decode, wholeNumber } from './cbor.js';
import { contentOf, digestOf, type Envelope, MEMBER, memberDigest, payloadsIn, requireDigest } from './envelope.js';

/** What a manifest says of the image of one component; of alternatives (try-each) it says nothing. */
export interface ImageView {
  /** Component identifier. */
  id: Uint8Array[];
  digest: Uint8Array | undefined;
  bytes: number | undefined;
  uri: string | undefined;
}

export interface ManifestView {
  sequence: bigint | undefined;
  vendorId: Uint8Array | undefined;
  classId: Uint8Array | undefined;
  image: { digest: Uint8Array | undefined; bytes: number | undefined };
  uri: string | undefined;
  /** set-version, as numbers */
  setVersion: number[] | undefined;
  text: { vendorName?: string; name?: string; description?: string; version?: string };
  /** Command sequences by section, in words: "override-parameters", "fetch". */
  sections: Record<string, string[]>;
  components: number;
  /** One for each component, in the order of the manifest. */
  images: ImageView[];
  /** Comparisons of digests; undefined where there is nothing to compare. */
  intact: { manifest: boolean; text: boolean | undefined; payload: boolean | undefined };
}

const SECTION_NAMES: Record<number, string> = {
  7: 'validate',
  8: 'load',
  9: 'invoke',
  15: 'dependency-resolution',
  16: 'payload-fetch',
  18: 'candidate-verification',
  20: 'install',
  24: 'uninstall',
};

const COMMAND_NAMES: Record<number, string> = {
  1: 'vendor-identifier',
  2: 'class-identifier',
  3: 'image-match',
  4: 'use-before',
  5: 'component-slot',
  6: 'check-content',
  7: 'dependency-integrity',
  8: 'is-dependency',
  11: 'process-dependency',
  12: 'set-component-index',
  14: 'abort',
  15: 'try-each',
  18: 'write',
  19: 'set-parameters',
  20: 'override-parameters',
  21: 'fetch',
  22: 'copy',
  23: 'invoke',
  24: 'device-identifier',
  25: 'image-not-match',
  26: 'minimum-battery',
  27: 'update-authorized',
  28: 'version',
  29: 'wait',
  31: 'swap',
  32: 'run-sequence',
  33: 'unlink',
  34: 'override-multiple',
  35: 'copy-params',
};

const PARAMETER = { vendorId: 1, classId: 2, digest: 3, size: 14, uri: 21 } as const;
const SET_COMPONENT_INDEX = 12;
/** Of manifests that no device takes. */
const COMPONENTS_SHOWN = 16;
const TEXT_LABELS = { vendorName: 1, name: 2, description: 5, version: 6 } as const;

type Parameters = Map<Cbor, Cbor>;

/** Is the severed member the one that the manifest names by its digest? undefined: there is none. */
function isNamed(envelope: Envelope<Bytes>, manifest: ReadonlyMap<unknown, Cbor>, key: number): boolean | undefined {
  const member = contentOf(envelope.members, key);
  return member && matches(digestOf(manifest.get(key)), memberDigest(member));
}

/**
 * Throws unless all that may be shown of a package is signed: the manifest is the one whose digest is, and each member beside
 * it is one that it names. Whoever passes a package on can exchange the others.
 */
export function requireWhole(envelope: Envelope<Bytes>, what: string): void {
  requireDigest(envelope, what);
  const manifest = asMap(decode(envelope.manifest, `${what}: manifest`));
  for (const [name, key] of Object.entries(MEMBER)) {
    if (key === MEMBER.wrapper || key === MEMBER.manifest || isNamed(envelope, manifest, key) !== false) continue;
    throw new CountersignError('ManifestDigest', `package: ${what} has a ${name} that its manifest does not name`, {
      hint: 'get the package from its vendor once more: somebody has exchanged a part of it',
    });
  }
}

/** `payloads`: what `payloadDigests` gives, if payloads are not in memory; without it nobody says whether they are intact. */
export function viewManifest(
  envelope: Envelope<Bytes>,
  what: string,
  payloads = digestsInMemory(envelope),
): ManifestView {
  const manifest = asMap(decode(envelope.manifest, `${what}: manifest`));
  const common = asMap(inner(manifest.get(3), `${what}: common`));
  const shared = asList(inner(common.get(4), `${what}: shared sequence`));
  const ids = asList(common.get(2) ?? null);
  const parameters: Parameters[] = Array.from(
    { length: Math.max(1, Math.min(ids.length, COMPONENTS_SHOWN)) },
    () => new Map(),
  );
  collect(shared, parameters);
  const sections: Record<string, string[]> = { shared: commandNames(shared) };
  for (const [key, name] of Object.entries(SECTION_NAMES)) {
    const content = manifest.get(Number(key));
    const severed =
      Array.isArray(content) && isNamed(envelope, manifest, Number(key)) === true
        ? contentOf(envelope.members, Number(key))
        : undefined;
    if (content === undefined) continue;
    const list = asList(inner(severed ?? content, `${what}: ${name}`));
    sections[name] = Array.isArray(content) && severed === undefined ? ['(severed)'] : commandNames(list);
    collect(list, parameters);
  }
  const named = isNamed(envelope, manifest, MEMBER.text);
  const textMember = named ? contentOf(envelope.members, MEMBER.text) : undefined;
  const inline = manifest.get(MEMBER.text);
  const images = parameters.map((set, at) => ({
    id: asList(ids[at] ?? null).filter((part) => part instanceof Uint8Array),
    digest: digestOf(inner(set.get(PARAMETER.digest), `${what}: image digest`)),
    bytes: ofNumber(set.get(PARAMETER.size)),
    uri: ofText(set.get(PARAMETER.uri)),
  }));
  const [first] = images as [ImageView];
  const [own] = parameters as [Parameters];
  const setVersion = inner(manifest.get(6), `${what}: set-version`);
  return {
    sequence: wholeNumber(manifest.get(2)),
    vendorId: ofBytes(own.get(PARAMETER.vendorId)),
    classId: ofBytes(own.get(PARAMETER.classId)),
    image: { digest: first.digest, bytes: first.bytes },
    uri: first.uri,
    setVersion: Array.isArray(setVersion) ? setVersion.map(Number) : undefined,
    text: readText(textMember ?? ofBytes(inline), what),
    sections,
    components: ids.length,
    images,
    intact: {
      manifest: same(memberDigest(envelope.manifest), envelope.digest),
      text: named,
      payload: payloads && areNamed(payloads, images),
    },
  };
}

export interface PayloadDigest {
  /** Of its member: the uri that the manifest fetches. */
  key: number | string;
  digest: Uint8Array;
}

/** SHA-256 of each payload, wherever it is; undefined if there is none. */
export async function payloadDigests(envelope: Envelope<Bytes>): Promise<PayloadDigest[] | undefined> {
  const payloads = payloadsIn(envelope);
  const found: PayloadDigest[] = [];
  for (const { key, value } of payloads) found.push({ key, digest: await sha256Of(value) });
  return found.length > 0 ? found : undefined;
}

function digestsInMemory(envelope: Envelope<Bytes>): PayloadDigest[] | undefined {
  const found = payloadsIn(envelope).flatMap(({ key, value }) =>
    value instanceof Uint8Array ? [{ key, digest: sha256(value) }] : [],
  );
  return found.length > 0 && found.length === payloadsIn(envelope).length ? found : undefined;
}

/** Each payload is the image of a component; that of a package of one, whatever its key is called. */
function areNamed(payloads: readonly PayloadDigest[], images: readonly ImageView[]): boolean {
  const alone = images.length === 1 && payloads.length === 1;
  return payloads.every(({ key, digest }) =>
    images.some((image) => (alone || image.uri === key) && matches(image.digest, digest)),
  );
}

const matches = (wanted: Uint8Array | undefined, actual: Uint8Array) => wanted !== undefined && same(wanted, actual);

/** Parameters that any sequence sets, by component; the last one wins, as it does when they are run in order. */
function collect(commands: Cbor[], into: Parameters[]): void {
  let chosen = into.slice(0, 1);
  for (let at = 0; at + 1 < commands.length; at += 2) {
    const [code, argument] = [commands[at], commands[at + 1]];
    if (code === SET_COMPONENT_INDEX) {
      const indexes = Array.isArray(argument) ? argument : [argument];
      chosen = argument === true ? into : into.filter((_, index) => indexes.includes(index));
    }
    if ((code === 20 || code === 19) && argument instanceof Map)
      for (const set of chosen) for (const [key, value] of argument) set.set(key, value);
  }
}

function commandNames(commands: Cbor[]): string[] {
  const codes = commands.filter((_, index) => index % 2 === 0);
  return codes.map((code) => COMMAND_NAMES[Number(code)] ?? `command ${String(code)}`);
}

/** Text of the first language: component text is found under the first key that is a list. */
function readText(bytes: Uint8Array | undefined, what: string): ManifestView['text'] {
  if (bytes === undefined) return {};
  const languages = decode(bytes, `${what}: text`);
  const [first] = languages instanceof Map ? languages.values() : [];
  const components = first instanceof Map ? [...first].filter(([key]) => Array.isArray(key)) : [];
  const component = components[0]?.[1];
  if (!(component instanceof Map)) return {};
  const found = Object.entries(TEXT_LABELS).map(([name, label]) => [name, ofText(component.get(label))]);
  return Object.fromEntries(found.filter(([, text]) => text !== undefined));
}

/** The item inside a byte string; null where there is none. */
function inner(value: Cbor | undefined, what: string): Cbor {
  return value instanceof Uint8Array ? decode(value, what) : (value ?? null);
}

const asMap = (value: Cbor): Parameters => (value instanceof Map ? value : new Map());
const asList = (value: Cbor): Cbor[] => (Array.isArray(value) ? value : []);
const ofBytes = (value: Cbor | undefined) => (value instanceof Uint8Array ? value : undefined);
const ofText = (value: Cbor | undefined) => (typeof value === 'string' ? value : undefined);
const ofNumber = (value: Cbor | undefined) => (typeof value === 'number' ? value : undefined);
