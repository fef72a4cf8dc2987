// What a file is and what it says, told by its content: package, approval document, bootstrap, key or firmware image.
//
// Shows claims, verifies nothing: that is for `check`. Digests are compared all the same, so that damage is seen.

import { CountersignError } from '../errors.js';
import { viewApproval } from '../formats/approval.js';
import { viewBootstrap } from '../formats/bootstrap.js';
import { type Bytes, sizeOf } from '../formats/byte-source.js';
import { hex, uuidText } from '../formats/bytes.js';
import { looksLikeChange, viewChange } from '../formats/change.js';
import { readImage } from '../formats/images/image.js';
import { hexAddress } from '../formats/images/segments.js';
import { keyFormOf, lookAt } from '../formats/key-forms.js';
import { type PublicKey, type RawKey, thumbprint } from '../formats/keys.js';
import { claimsRows, entryText, rows } from '../formats/wording.js';
import { changeData, changeRows } from './change.js';
import { describePackage } from './package.js';
import { anchorText, approvalData, type Described, groupsText, keyData, policyTexts, signatureText } from './words.js';

export type FileType = 'package' | 'approval' | 'change' | 'bootstrap' | 'key' | 'image';

export interface Description extends Described {
  type: FileType;
  /** Of a key: its public half. */
  key?: PublicKey;
}

/** Takes the public half out of the bytes of a key: which forms there are is for whoever reads keys (../keys/read.ts, for Node). */
export type ReadKey = (bytes: Uint8Array) => PublicKey | Promise<PublicKey>;

/**
 * Describes any file that this library knows. `name` names it in errors; `readKey` is asked only if the file is a key; `raw`
 * says that the bytes are a key without any form around it. Throws CountersignError if the file is damaged or of no known
 * kind.
 */
export async function describe(file: Bytes, name: string, readKey: ReadKey, raw?: RawKey): Promise<Description> {
  const bytes = await lookAt(file);
  const type = raw === undefined ? await typeOf(bytes) : 'key';
  switch (type) {
    case 'package':
      return { type, ...(await describePackage(file, name)) };
    case 'approval':
      return { type, ...describeApproval(bytes, name) };
    case 'change':
      return { type, ...describeChange(bytes, name) };
    case 'bootstrap':
      return { type, ...describeBootstrap(bytes, name) };
    case 'key':
      return describeKey(bytes, readKey, raw);
    case 'image':
      return { type, ...(await describeImage(file, name)) };
    default:
      return type satisfies never;
  }
}

/** By the first bytes; what is nothing else is a raw image. */
async function typeOf(bytes: Uint8Array): Promise<FileType> {
  const [first = 0, second = 0] = bytes;
  if (first === 0xd8 && second === 0x6b) return 'package';
  if (first === 0xd2) return 'approval';
  if (looksLikeChange(bytes) && String.fromCharCode(...bytes.subarray(0, 16)).includes('change')) return 'change';
  if ((await keyFormOf(bytes)) !== undefined) return 'key';
  return (first & 0xe0) === 0xa0 ? 'bootstrap' : 'image';
}

const INSTEAD: Record<Exclude<FileType, 'package'>, string> = {
  approval: 'bring it together with its package: `countersign deliver PACKAGE --approval FILE`',
  change: 'bring it with `countersign provision`',
  bootstrap: 'bring it with `countersign provision`',
  key: 'keys are not delivered',
  image: 'make a package of it first: `countersign package`',
};

function isBootstrap(bytes: Uint8Array): boolean {
  try {
    return viewBootstrap(bytes, '') !== undefined;
  } catch {
    return false;
  }
}

/** Throws FileUnsupported, with what to do, unless the file is a package: a device would say no more than that it is none. */
export async function requirePackage(file: Bytes, path: string): Promise<void> {
  const bytes = await lookAt(file);
  const first = await typeOf(bytes);
  if (first === 'package') return;
  const type = first === 'bootstrap' && !isBootstrap(bytes) ? 'image' : first;
  const what = type === 'image' ? 'a firmware image, or a file of unknown kind' : `a file of the kind ${type}`;
  throw new CountersignError('FileUnsupported', `deliver: ${path} is not a package, but ${what}`, {
    hint: INSTEAD[type],
  });
}

function describeApproval(bytes: Uint8Array, name: string): Described {
  const view = viewApproval(bytes, name);
  return {
    data: { bytes: bytes.length, ...approvalData(view) },
    lines: [
      `approval document, ${bytes.length} bytes`,
      ...rows([...claimsRows(view.claims), ['signature', signatureText(view)]]),
    ],
  };
}

function describeChange(bytes: Uint8Array, name: string): Described {
  const view = viewChange(bytes, name);
  return {
    data: { bytes: bytes.length, ...changeData(view) },
    lines: [`change of anchors, policy or groups, ${bytes.length} bytes`, ...rows(changeRows(view))],
  };
}

function describeBootstrap(bytes: Uint8Array, name: string): Described {
  const view = viewBootstrap(bytes, name);
  if (view === undefined)
    throw new CountersignError('FileUnsupported', `file: ${name} is CBOR, but nothing known here`);
  const { device, anchors, policy, groups } = view;
  const [vendorId, classId] = [uuidText(view.vendorId), uuidText(view.classId)];
  const approvals = view.approvals.map((document, index) => viewApproval(document, `approval ${index + 1} of ${name}`));
  const entries = approvals.flatMap(({ claims }) => claims.entries.map(entryText));
  const policyLines = policyTexts(policy);
  return {
    data: {
      bytes: bytes.length,
      ...{ device, vendorId, classId, policy },
      anchors: anchors.map(({ role, name: owner, key }) => ({ role, name: owner, ...keyData(key) })),
      approvals: approvals.map(approvalData),
      groups,
    },
    lines: [
      `bootstrap document, ${bytes.length} bytes`,
      ...rows([
        ['device', hex(device)],
        ['vendor', vendorId],
        ['class', classId],
        ['trusts', anchors.map(anchorText)],
        ['policy', policyLines.length > 0 ? policyLines : 'all defaults'],
        ['approvals', entries.length > 0 ? entries : undefined],
        ['groups', groups.length > 0 ? groupsText(groups) : undefined],
      ]),
    ],
  };
}

async function describeKey(bytes: Uint8Array, readKey: ReadKey, raw: RawKey): Promise<Description> {
  const form = raw === undefined ? await keyFormOf(bytes) : undefined;
  const { secret, encrypted } = form ?? { secret: raw === 'seed', encrypted: false };
  return describePublic(await readKey(bytes), {
    private: secret,
    encrypted,
    where: encrypted ? 'encrypted' : undefined,
  });
}

/** A key by its public half; `where` says where the private one is, or how it is kept. */
export function describePublic(
  key: PublicKey,
  { where, ...about }: { private: boolean; encrypted: boolean; where: string | undefined },
): Description {
  return {
    type: 'key',
    key,
    data: { ...keyData(key), ...about },
    lines: [
      `${about.private ? 'private' : 'public'} key, ${key.kind}${where ? `, ${where}` : ''}`,
      ...rows([
        ['key id', hex(key.kid)],
        ['thumbprint', hex(thumbprint(key.kind, key.bytes))],
        ['public', hex(key.bytes)],
      ]),
    ],
  };
}

async function describeImage(file: Bytes, name: string): Promise<Described> {
  const { mcuboot, kind, gapBytes, version, ...image } = await readImage(file, name);
  const bytes = sizeOf(image.bytes);
  const address = image.address === undefined ? undefined : hexAddress(image.address);
  const tlvs = mcuboot?.tlvs.map(
    (one) => `${one.name}${one.protected ? ' (protected)' : ''}, ${one.value.length} bytes`,
  );
  return {
    data: { kind, bytes, address, gapBytes, firmwareVersion: version, mcuboot },
    lines: [
      `firmware image (${mcuboot ? 'MCUboot' : kind}), ${bytes} bytes`,
      ...rows([
        ['address', address],
        ['gaps', gapBytes > 0 ? `${gapBytes} bytes` : undefined],
        ['version', version],
        ['header', mcuboot && `${mcuboot.headerBytes} bytes, flags 0x${mcuboot.flags.toString(16)}`],
        ['load address', mcuboot?.loadAddress ? hexAddress(mcuboot.loadAddress) : undefined],
        ['counter', mcuboot?.securityCounter],
        ['TLVs', tlvs],
      ]),
    ],
  };
}
