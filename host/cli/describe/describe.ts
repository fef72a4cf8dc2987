// What a file is and what it says, told by its content: package, approval document, bootstrap, key or firmware image.
//
// Shows claims, verifies nothing: that is for `check`. Digests are compared all the same, so that damage is seen.

import { CountersignError } from '../../errors.js';
import { type ApprovalView, viewApproval } from '../../formats/approval.js';
import { viewBootstrap } from '../../formats/bootstrap.js';
import { type Bytes, sizeOf } from '../../formats/byte-source.js';
import { hex, uuidText } from '../../formats/bytes.js';
import { looksLikeChange, viewChange } from '../../formats/change.js';
import { readImage } from '../../formats/images/image.js';
import { hexAddress } from '../../formats/images/segments.js';
import { lookAt } from '../../formats/key-forms.js';
import { type PublicKey, type RawKey, thumbprint } from '../../formats/keys.js';
import { keyForm, readPublicKey, readSigningKey } from '../../keys/read.js';
import { approvalData, claimsRows, entryText, rows, signatureText } from '../show.js';
import { changeData, changeRows } from './change.js';
import { describePackage } from './package.js';

export type FileType = 'package' | 'approval' | 'change' | 'bootstrap' | 'key' | 'image';

export interface Description {
  type: FileType;
  data: Record<string, unknown>;
  lines: string[];
  /** Of a key: its public half. */
  key?: PublicKey;
}

type PassphraseSource = Parameters<typeof readSigningKey>[2];

export async function describe(
  file: Bytes,
  name: string,
  passphrase: PassphraseSource,
  raw?: RawKey,
): Promise<Description> {
  const bytes = await lookAt(file);
  const type = raw === undefined ? typeOf(bytes) : 'key';
  switch (type) {
    case 'package':
      return describePackage(file, name);
    case 'approval':
      return describeApproval(bytes, name);
    case 'change':
      return describeChange(bytes, name);
    case 'bootstrap':
      return describeBootstrap(bytes, name);
    case 'key':
      return describeKey(bytes, name, passphrase, raw);
    case 'image':
      return describeImage(file, name);
    default:
      return type satisfies never;
  }
}

/** By the first bytes; what is nothing else is a raw image. */
function typeOf(bytes: Uint8Array): FileType {
  const [first = 0, second = 0] = bytes;
  if (first === 0xd8 && second === 0x6b) return 'package';
  if (first === 0xd2) return 'approval';
  if (looksLikeChange(bytes) && Buffer.from(bytes.subarray(0, 16)).includes('change')) return 'change';
  if (keyForm(bytes) !== undefined) return 'key';
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

/** What is delivered by mistake is named here: a device would say no more than that it is no package. */
export async function requirePackage(file: Bytes, path: string): Promise<void> {
  const bytes = await lookAt(file);
  const first = typeOf(bytes);
  if (first === 'package') return;
  const type = first === 'bootstrap' && !isBootstrap(bytes) ? 'image' : first;
  const what = type === 'image' ? 'a firmware image, or nothing that is known here' : `a file of the kind ${type}`;
  throw new CountersignError('FileUnsupported', `deliver: ${path} is ${what}, and no package`, { hint: INSTEAD[type] });
}

function approvalRows(view: ApprovalView): [string, unknown][] {
  return [...claimsRows(view.claims), ['signature', signatureText(view)]];
}

function describeApproval(bytes: Uint8Array, name: string): Description {
  const view = viewApproval(bytes, name);
  return {
    type: 'approval',
    data: { bytes: bytes.length, ...approvalData(view) },
    lines: [`approval document, ${bytes.length} bytes`, ...rows(approvalRows(view))],
  };
}

function describeChange(bytes: Uint8Array, name: string): Description {
  const view = viewChange(bytes, name);
  return {
    type: 'change',
    data: { bytes: bytes.length, ...changeData(view) },
    lines: [`change of anchors or policy, ${bytes.length} bytes`, ...rows(changeRows(view))],
  };
}

function describeBootstrap(bytes: Uint8Array, name: string): Description {
  const view = viewBootstrap(bytes, name);
  if (view === undefined)
    throw new CountersignError('FileUnsupported', `file: ${name} is CBOR, but nothing known here`);
  const approvals = view.approvals.map((document, index) => viewApproval(document, `approval ${index + 1} of ${name}`));
  const policy = Object.entries(view.policy).map(([key, value]) => `${key}: ${[value].flat().join(', ')}`);
  return {
    type: 'bootstrap',
    data: {
      bytes: bytes.length,
      device: view.device,
      vendorId: uuidText(view.vendorId),
      classId: uuidText(view.classId),
      anchors: view.anchors.map(({ role, name: owner, key }) => ({ role, name: owner, ...keyData(key) })),
      policy: view.policy,
      approvals: approvals.map(approvalData),
    },
    lines: [
      `bootstrap document, ${bytes.length} bytes`,
      ...rows([
        ['device', hex(view.device)],
        ['vendor', uuidText(view.vendorId)],
        ['class', uuidText(view.classId)],
        ['trusts', view.anchors.map(({ role, name: owner, key }) => anchorText(role, owner, key))],
        ['policy', policy.length > 0 ? policy : 'all defaults'],
        [
          'approvals',
          approvals.length > 0 ? approvals.flatMap(({ claims }) => claims.entries.map(entryText)) : undefined,
        ],
      ]),
    ],
  };
}

function anchorText(role: string, name: string | undefined, key: PublicKey): string {
  return `${role} key ${hex(key.kid)} (${key.kind})${name ? `, ${name}` : ''}`;
}

function keyData(key: PublicKey): Record<string, unknown> {
  return { kind: key.kind, kid: key.kid, thumbprint: thumbprint(key.kind, key.bytes), public: key.bytes };
}

async function describeKey(
  bytes: Uint8Array,
  name: string,
  passphrase: PassphraseSource,
  raw: RawKey,
): Promise<Description> {
  const { secret = false, encrypted = false } = (raw === undefined && keyForm(bytes)) || { secret: raw === 'seed' };
  const key = encrypted ? (await readSigningKey(bytes, name, passphrase)).public : readPublicKey(bytes, name, raw);
  return describePublic(key, { private: secret, encrypted, where: encrypted ? 'encrypted' : undefined });
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

async function describeImage(file: Bytes, name: string): Promise<Description> {
  const image = await readImage(file, name);
  const { mcuboot } = image;
  const bytes = sizeOf(image.bytes);
  const address = image.address === undefined ? undefined : hexAddress(image.address);
  return {
    type: 'image',
    data: {
      kind: image.kind,
      bytes,
      address,
      gapBytes: image.gapBytes,
      version: image.version,
      mcuboot,
    },
    lines: [
      `firmware image (${mcuboot ? 'MCUboot' : image.kind}), ${bytes} bytes`,
      ...rows([
        ['address', address],
        ['gaps', image.gapBytes > 0 ? `${image.gapBytes} bytes` : undefined],
        ['version', image.version],
        ['header', mcuboot && `${mcuboot.headerBytes} bytes, flags 0x${mcuboot.flags.toString(16)}`],
        ['load address', mcuboot?.loadAddress ? hexAddress(mcuboot.loadAddress) : undefined],
        ['counter', mcuboot?.securityCounter],
        [
          'TLVs',
          mcuboot?.tlvs.map((tlv) => `${tlv.name}${tlv.protected ? ' (protected)' : ''}, ${tlv.value.length} bytes`),
        ],
      ]),
    ],
  };
}
