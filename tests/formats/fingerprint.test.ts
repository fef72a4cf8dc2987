// The spoken fingerprint against the examples of the proposal that defines its words.

import { describe, expect, it } from 'vitest';
import { fingerprint } from '../../host/formats/fingerprint.js';

describe('fingerprint', () => {
  // The table of arXiv 0901.4016.
  it.each([
    ['127.0.0.1', 'lusab-babad'],
    ['63.84.220.193', 'gutih-tugad'],
    ['63.118.7.35', 'gutuk-bisog'],
    ['140.98.193.141', 'mudof-sakat'],
    ['64.255.6.200', 'haguz-biram'],
    ['128.30.52.45', 'mabiv-gibot'],
    ['147.67.119.2', 'natag-lisaf'],
    ['212.58.253.68', 'tibup-zujah'],
    ['216.35.68.215', 'tobog-higil'],
    ['216.68.232.21', 'todah-vobij'],
    ['198.81.129.136', 'sinid-makam'],
    ['12.110.110.204', 'budov-kuras'],
  ])('%s is %s', (address, words) => {
    const four = address.split('.').map(Number);
    expect(fingerprint(Uint8Array.from([...four, ...four]))).toBe(`${words}-${words}`);
  });

  it('of two digests that differ in one of the first 64 bits is another', () => {
    const digest = new Uint8Array(32).fill(0x5a);
    const seen = new Set([fingerprint(digest)]);
    for (let bit = 0; bit < 64; bit++) {
      const other = Uint8Array.from(digest);
      other[bit >> 3]! ^= 1 << (bit & 7);
      seen.add(fingerprint(other));
    }
    expect(seen.size).toBe(65);
  });
});
