// What a refusal compared, both sides of it: ids in names where somebody here knows them, sizes, numbers and keys.
//
// A manifest has ids only. A name is shown if it gives exactly that id (RFC 9562 UUIDv5): those of the bootstrap file, and the
// vendor's own domain in the package's text.

import type { BootstrapView } from '../../formats/bootstrap.js';
import type { Bytes } from '../../formats/byte-source.js';
import { classIdOf, hex, same, uuidText, vendorIdOf } from '../../formats/bytes.js';
import type { Envelope } from '../../formats/envelope.js';
import { type ManifestView, viewManifest } from '../../formats/manifest.js';
import { reasonOf } from '../../reasons.js';
import { viewBlock } from './package.js';

/** Names as people wrote them. */
export interface Names {
  vendors: readonly string[];
  classes: readonly string[];
}

/** What the device was taken to be, as far as somebody said. */
export interface Known {
  names?: Names | undefined;
  slotBytes?: number | undefined;
  installed?: bigint | undefined;
}

/** "the package has …, the device …": rows for the reasons that compare two things; none for others. */
export function comparedRows(
  reason: number,
  envelope: Envelope<Bytes> | undefined,
  device: BootstrapView | undefined,
  known: Known,
): [string, string][] {
  let manifest: ManifestView;
  let signers: string[];
  try {
    if (envelope === undefined) return [];
    manifest = viewManifest(envelope, 'package');
    signers = envelope.blocks.map((block) => viewBlock(block, 'signature')?.kid).map((kid) => (kid ? hex(kid) : '?'));
  } catch {
    return []; // what cannot be read has nothing to compare
  }
  const two = (ours: string | undefined, theirs: string | undefined): [string, string][] => [
    ['it has', ours ?? 'none'],
    ['the device', theirs ?? 'was not said'],
  ];
  const domains = [...(known.names?.vendors ?? []), ...(manifest.text.vendorName ? [manifest.text.vendorName] : [])];
  const vendor = (id: Uint8Array | undefined) => id && named(id, domains, vendorIdOf);
  switch (reasonOf(reason).name) {
    case 'VendorId':
      return two(vendor(manifest.vendorId), vendor(device?.vendorId));
    case 'ClassId': {
      const word = (id: Uint8Array | undefined, of: Uint8Array | undefined) =>
        id && named(id, known.names?.classes ?? [], (name) => classIdOf(of ?? new Uint8Array(), name));
      return two(word(manifest.classId, manifest.vendorId), word(device?.classId, device?.vendorId));
    }
    case 'SlotTooSmall':
      return two(bytesOf(manifest.image.bytes), known.slotBytes === undefined ? undefined : `${known.slotBytes} bytes`);
    case 'Rollback':
      return two(sequenceOf(manifest.sequence), sequenceOf(known.installed));
    case 'VendorSignature': {
      const trusted = device?.anchors.filter(({ role }) => role === 'vendor') ?? [];
      const keys = trusted.map(({ key, name }) => (name ? `${hex(key.kid)} (${name})` : hex(key.kid)));
      return [
        ['signed by', `key ${signers.join(', ')}`],
        ['trusted', device ? `key ${keys.join(', ')}` : 'was not said'],
      ];
    }
    default:
      return [];
  }
}

const bytesOf = (bytes: number | undefined) => (bytes === undefined ? undefined : `firmware of ${bytes} bytes`);
const sequenceOf = (number: bigint | undefined) => (number === undefined ? undefined : `sequence ${number}`);

function named(id: Uint8Array, names: readonly string[], idOf: (name: string) => Uint8Array): string {
  const name = names.find((one) => same(idOf(one), id));
  return name === undefined || name === uuidText(id) ? uuidText(id) : `${name} (${uuidText(id)})`;
}
