// The question to the user, as every command shows it: from the package's own signed words, and its digest.

import type { Asked, Typed } from '../device/question.js';
import { hex } from '../formats/bytes.js';
import type { Answer } from '../formats/consent.js';
import { fingerprint } from '../formats/fingerprint.js';
import type { PublicKey } from '../formats/keys.js';
import { rows } from '../formats/wording.js';
import { reasonOf } from '../reasons.js';
import type { Described } from './words.js';

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

/** A consenter's signed answer. */
export const answerGiven = (
  { device, digest }: Asked,
  answer: Answer,
  { kid }: PublicKey,
  dryRun: boolean,
): Described => ({
  data: { device, digest, fingerprint: fingerprint(digest), answer, consenter: kid, given: !dryRun },
  lines: [dryRun ? `would answer ${answer}, signed with key ${hex(kid)}` : `answered ${answer}; the device took it`],
});

/** An answer that was typed on the device's line. */
export function typedText(answer: Answer, typed: Typed): string {
  switch (typed.event) {
    case 'answer':
      return `the device took the answer: ${answer}`;
    case 'answer-not-taken':
      return `the device did not take the answer: its policy takes answers from ${typed.from}, not from this line`;
    case 'question-over':
      return 'the question is over, so the answer was not sent';
    default:
      return typed satisfies never;
  }
}
