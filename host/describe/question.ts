// The question to the user, as every command shows it: from the package's own signed words, and its digest.

import { hex } from '../formats/bytes.js';
import { fingerprint } from '../formats/fingerprint.js';
import { rows } from '../formats/wording.js';
import { reasonOf } from '../reasons.js';

export interface Shown {
  device?: Uint8Array | undefined;
  name?: string | undefined;
  version?: string | undefined;
  from?: string | undefined; // version that runs now
  vendor?: { kid: Uint8Array; name: string | undefined } | undefined;
  digest?: Uint8Array | undefined;
  reason?: number | undefined;
}

/**
 * The question to the user in lines of text, from what the device verified: name, version, signer, digest and its
 * fingerprint.
 */
export function questionLines(question: Shown, title = 'THE DEVICE ASKS ITS USER: install this?'): string[] {
  const { name, version, from, digest, reason = 0, device, vendor } = question;
  return [
    title,
    ...rows([
      ['device', device && hex(device)],
      ['package', name],
      ['version', from ? `${from} -> ${version}` : version],
      ['signed by', vendor && [vendor.name, hex(vendor.kid)].filter(Boolean).join(', key ')],
      ['digest', digest && hex(digest)],
      ['fingerprint', digest && fingerprint(digest)],
      ['why', reasonOf(reason).text],
    ]),
  ];
}
