// What may run, said apart from the device: written from the use case and the design (sections 2, 5 and 6), without a look
// at assembly/. The exploration (tests/explore/) compares what the real agent does with what stands here.
//
//   A package may run if, when that was decided, no operator denied it, it was not older than what ever ran, and
//     - enough operators had approved it, and nobody had to be asked; or
//     - a person had said yes to this very package, over none of the lines that delivered a byte of it
//       (unless policy says that a person sits at its end), and policy lets what is not approved be asked about.
//   Missing, expired, superseded or unknown never means yes.

/** The numbers of a policy document (design, section 6). */
export interface Policy {
  unapproved: 0 | 1; // 0 reject, 1 prompt
  askBeforeDownload: 0 | 1;
  threshold: number;
  channels: number; // CHANNEL
  denied: 0 | 1; // what runs is denied: 0 report, 1 bring back what ran before
  trialBoots: number;
}

export const CHANNEL = { local: 1, signed: 2, delivering: 4 } as const;

/** What all operators together say about one package at one time; each counted once. */
export interface Words {
  approvals: number;
  denied: boolean;
  confirm: boolean; // an approval that counts wants the user asked
}

/** A person's yes. */
export interface Yes {
  to: string; // the package that it names
  fault: string; // why it does not count, or ''
}

export interface Decision {
  policy: Policy;
  words: Words;
  name: string; // of the package that is to be installed
  sequence: number;
  floor: number; // the highest sequence that ever ran here
  installYes: Yes | undefined; // to its installation
  downloadYes: Yes | undefined; // to its download
}

/** Why this must not be installed; undefined: it may. */
export function objection(it: Decision): string | undefined {
  const { policy, words, name } = it;
  if (words.denied) return 'denied package installed';
  if (it.sequence < it.floor) return 'lower sequence installed';
  const approved = policy.threshold > 0 && words.approvals >= policy.threshold;
  if (approved && !words.confirm && !policy.askBeforeDownload) return undefined;
  if (!approved && !policy.unapproved) return 'unapproved package installed under reject';
  const yes = it.installYes;
  if (yes?.to === name && !yes.fault) return undefined;
  // Whoever agreed to the download of an approved package has been asked.
  if (approved && it.downloadYes?.to === name && !it.downloadYes.fault) return undefined;
  if (yes?.to === name) return yes.fault;
  if (yes) return 'yes to another package';
  return 'installed without a question';
}

/** How an answer came. `line` is the number of the link it was typed on; a button has none. */
export type How = { by: 'button' } | { by: 'typed'; line: number } | { by: 'signed' };

/** Why such an answer does not count, or ''. `delivered`: mask of the lines that delivered a byte of what is asked about. */
export function answerFault(policy: Policy, how: How, delivered: number): string {
  if (how.by === 'signed') return policy.channels & CHANNEL.signed ? '' : 'signed yes that policy does not take';
  if (how.by === 'typed' && (delivered >>> how.line) & 1) {
    return policy.channels & CHANNEL.delivering ? '' : 'yes over a line that delivered it';
  }
  return policy.channels & CHANNEL.local ? '' : 'local yes that policy does not take';
}

/** One operator's newest document, as far as it is about one package. */
export interface Statement {
  says: 'approve' | 'confirm' | 'deny' | 'nothing'; // confirm: approve, but ask
  expires?: number;
}

/**
 * All words about one package: per operator its newest document, and whether it countersigned the package. Time limits
 * what a document permits, never what it forbids; only a newer document of the same operator lifts a denial.
 */
export function wordsOf(operators: readonly { statement: Statement; countersigned: boolean }[], now: number): Words {
  const words: Words = { approvals: 0, denied: false, confirm: false };
  for (const { statement, countersigned } of operators) {
    const { says, expires = Number.POSITIVE_INFINITY } = statement;
    if (says === 'deny') words.denied = true;
    const valid = (says === 'approve' || says === 'confirm') && now < expires;
    if (valid || countersigned) words.approvals++;
    if (valid && says === 'confirm') words.confirm = true;
  }
  return words;
}

/** May the image before come back by itself, after what runs was denied? Its approval is not asked for anew. */
export const recallObjection = (words: Words): string | undefined =>
  words.denied ? 'denied package recalled' : undefined;
