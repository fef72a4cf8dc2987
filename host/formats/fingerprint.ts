// A short fingerprint of a digest that two people can compare by voice: four words of five letters, 64 bits.
//
// Each word is 16 bits as a proquint ("Proquints: Identifiers that are Readable, Spellable, and Pronounceable",
// arXiv 0901.4016): consonant, vowel, consonant, vowel, consonant. No list of words is needed, so a device can say it too.
// It is an aid to the eye; what is signed is always the whole digest.

const CONSONANTS = 'bdfghjklmnprstvz'; // 4 bits each
const VOWELS = 'aiou'; // 2 bits each
const WORDS = 4;

/** "lusab-babad-gutih-tugad" of the first 8 bytes. */
export function fingerprint(digest: Uint8Array): string {
  const words = Array.from({ length: WORDS }, (_, at) => word((digest[2 * at]! << 8) | digest[2 * at + 1]!));
  return words.join('-');
}

function word(bits: number): string {
  const consonant = (shift: number) => CONSONANTS[(bits >> shift) & 15];
  const vowel = (shift: number) => VOWELS[(bits >> shift) & 3];
  return `${consonant(12)}${vowel(10)}${consonant(6)}${vowel(4)}${consonant(0)}`;
}
