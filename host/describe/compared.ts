// What a refusal compared, both sides of it: ids in names where somebody here knows them, sizes, numbers and keys.
//
// A manifest has ids only. A name is shown if it gives exactly that id (RFC 9562 UUIDv5): those of the bootstrap file, and the
// vendor's own domain in the package's text.

import type { BootstrapView } from '../formats/bootstrap.js';
import type { Bytes } from '../formats/byte-source.js';
import { classIdOf, hex, same, uuidText, vendorIdOf } from '../formats/bytes.js';
import type { Envelope } from '../formats/envelope.js';
import { type ManifestView, viewManifest } from '../formats/manifest.js';
import { reasonOf } from '../reasons.js';
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

/** Of the package, and of the device: each a label and a text. */
export type Both = [[string, string], [string, string]];

/** Both sides of what a reason compares, in words: of the package, and of the device. Undefined for other reasons. */
export function compared(
  reason: number,
  envelope: Envelope<Bytes> | undefined,
  device: BootstrapView | undefined,
  known: Known,
): Both | undefined {
  let manifest: ManifestView;
  let signers: string[];
  try {
    if (envelope === undefined) return undefined;
    manifest = viewManifest(envelope, 'package');
    signers = envelope.blocks.map((block) => viewBlock(block, 'signature')?.kid).map((kid) => (kid ? hex(kid) : '?'));
  } catch {
    return undefined; // what cannot be read has nothing to compare
  }
  const { vendorId, classId } = manifest;
  const both = (ours: string | undefined, theirs: string | undefined): Both => [
    ['it has', ours ?? 'none'],
    ['the device', theirs ?? 'was not said'],
  ];
  const domains = [...(known.names?.vendors ?? []), ...(manifest.text.vendorName ? [manifest.text.vendorName] : [])];
  const vendor = (id: Uint8Array | undefined) => id && named(id, domains, vendorIdOf);
  const kind = (id: Uint8Array | undefined, of: Uint8Array = new Uint8Array()) =>
    id && named(id, known.names?.classes ?? [], (name) => classIdOf(of, name));
  const unit = (before: string, number: number | bigint | undefined, after = '') =>
    number === undefined ? undefined : `${before}${number}${after}`;
  switch (reasonOf(reason).name) {
    case 'VendorId':
      return both(vendor(vendorId), vendor(device?.vendorId));
    case 'ClassId':
      return both(kind(classId, vendorId), kind(device?.classId, device?.vendorId));
    case 'EnvelopeOrder': // what a device of one component says of a second image
    case 'Components':
      return manifest.components > 1
        ? both(
            unit('', manifest.components, ' components'),
            'one, as boards have: they install no package of several yet',
          )
        : undefined;
    case 'SlotTooSmall':
      if (manifest.images.length > 1) return undefined; // each has its own
      return both(unit('firmware of ', manifest.image.bytes, ' bytes'), unit('', known.slotBytes, ' bytes'));
    case 'Rollback':
      return both(unit('sequence ', manifest.sequence), unit('sequence ', known.installed));
    case 'VendorSignature': {
      const trusted = device?.anchors.filter(({ role }) => role === 'vendor') ?? [];
      const keys = trusted.map(({ key, name }) => (name ? `${hex(key.kid)} (${name})` : hex(key.kid)));
      return [
        ['signed by', `key ${signers.join(', ')}`],
        ['trusted', device ? `key ${keys.join(', ')}` : 'was not said'],
      ];
    }
    default:
      return undefined;
  }
}

function named(id: Uint8Array, names: readonly string[], idOf: (name: string) => Uint8Array): string {
  const name = names.find((one) => same(idOf(one), id));
  return name === undefined || name === uuidText(id) ? uuidText(id) : `${name} (${uuidText(id)})`;
}
