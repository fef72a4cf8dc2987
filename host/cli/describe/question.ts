// The question to the user, as every command shows it: from the package's own signed words, and its digest.

import type { Asked } from '../../device/question.js';
import { hex } from '../../formats/bytes.js';
import { fingerprint } from '../../formats/fingerprint.js';
import { reasonOf } from '../../reasons.js';
import type { Question } from '../../smp/commands.js';
import { rows } from '../show.js';

export function questionLines(question: Question & Partial<Pick<Asked, 'vendor'>>): string[] {
  const { name, version, from, digest, reason = 0, device, vendor } = question;
  return [
    'THE DEVICE ASKS ITS USER: install this?',
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
