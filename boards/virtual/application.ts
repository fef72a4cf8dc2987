// What would run on this board if it could execute Cortex-M code: found in flash, as a person with a debugger would.
//
// The head of the package stands in the last two pages of the slot (assembly/flash/slots.ts); its last member is the
// payload, of which only the length is needed: the image itself begins the slot.

import type { FlashMap } from '../../host/boards.js';
import { hex, sha256 } from '../../host/formats/bytes.js';
import { decodePrefix, MAJOR, readHead } from '../../host/formats/cbor.js';
import type { Flash } from './flash.js';

const HEAD_PAGES = 2;

export function applicationText(flash: Flash, map: FlashMap): string {
  const image = findImage(flash, map);
  const what = image ? `image sha256:${hex(sha256(image))} of ${image.length} bytes` : 'the image in the primary slot';
  return `virtual board: ${what} would run now; this board cannot execute Cortex-M code`;
}

function findImage(flash: Flash, { primary, pageBytes }: FlashMap): Uint8Array | undefined {
  const head = new Uint8Array(HEAD_PAGES * pageBytes);
  flash.read(primary.offset + primary.bytes - head.length, head);
  const bytes = payloadBytes(head);
  if (bytes === undefined || bytes > primary.bytes - head.length) return undefined;
  const image = new Uint8Array(bytes);
  flash.read(primary.offset, image);
  return image;
}

// Walks the members of the envelope up to the text key of the payload.
function payloadBytes(head: Uint8Array): number | undefined {
  const what = 'head in flash';
  try {
    const tag = readHead(head, 0, what);
    const map = readHead(head, tag.end, what);
    let at = map.end;
    for (let left = map.argument; left > 0; left--) {
      const [key, rest] = decodePrefix(head.subarray(at), what);
      const value = readHead(rest, 0, what);
      if (value.major !== MAJOR.bytes) return undefined;
      if (typeof key === 'string' && left === 1) return value.argument;
      at = head.length - rest.length + value.end + value.argument;
    }
  } catch {
    // A slot that holds something else: nothing to say about it.
  }
  return undefined;
}
