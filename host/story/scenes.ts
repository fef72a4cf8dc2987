// The scenes, in order, as data: what the audience is told, what happens, and how it has to end.
//
// A scene hands one package to one device. How it ends is a reason of the table ('Ok': installed). Where the device asks its
// user, the end depends on the answer, and the script says what to answer when nobody is there to be asked.

import { type Entry, type Outcome, type Policy, type ReasonName, reasonOf } from '../index.js';
import type { People } from './people.js';
import type { Answer, DeviceName } from './stage.js';

export interface Offer {
  envelope: Uint8Array;
  /** An approval document that reaches the device's management tree first. */
  approval?: Uint8Array;
}

export interface Scene {
  title: string;
  device: DeviceName;
  offer(people: People): Offer;
  ends: ReasonName;
  /** The device has to ask; `ends` is then the end after a yes. */
  scripted?: Answer;
  /** Not one byte of either slot may change. */
  untouched?: boolean;
}

export const POLICIES: Record<DeviceName, Policy> = {
  clinic: { unapproved: 'reject' },
  ward: { unapproved: 'prompt' },
};

const approve = (digest: Uint8Array): Entry => ({ verdict: 'approve', digest });
const deny = (digest: Uint8Array): Entry => ({ verdict: 'deny', digest });
const V1_0 = { version: '1.0.0', sequence: 1n } as const;
const V1_1 = { version: '1.1.0', sequence: 2n } as const;
const V1_1_AGAIN = { version: '1.1.0', sequence: 3n } as const;

/** Flips one bit of the last payload byte: no signature covers it, the image digest does. */
function tampered(envelope: Uint8Array): Uint8Array {
  const copy = envelope.slice();
  copy[copy.length - 1]! ^= 1;
  return copy;
}

export const SCENES: Scene[] = [
  {
    title: 'signed by the vendor, not approved; policy: reject',
    device: 'clinic',
    offer: (people) => ({ envelope: people.release(V1_0).envelope }),
    ends: 'NotApproved',
    untouched: true,
  },
  {
    title: 'the same package; policy: prompt. The user is asked',
    device: 'ward',
    offer: (people) => ({ envelope: people.release(V1_0).envelope }),
    scripted: 'no',
    ends: 'Ok',
  },
  {
    title: 'the next release, not approved either. The user is asked',
    device: 'ward',
    offer: (people) => ({ envelope: people.release(V1_1).envelope }),
    scripted: 'yes',
    ends: 'Ok',
  },
  {
    title: 'approved by a document: installed without a question',
    device: 'clinic',
    offer(people) {
      const { envelope, digest } = people.release(V1_0);
      return { envelope, approval: people.issue(approve(digest)) };
    },
    ends: 'Ok',
  },
  {
    title: 'countersigned by the operator: installed',
    device: 'clinic',
    offer: (people) => ({ envelope: people.countersign(people.release(V1_1).envelope) }),
    ends: 'Ok',
  },
  {
    title: 'approved, then revoked',
    device: 'clinic',
    offer(people) {
      const { envelope, digest } = people.release(V1_1_AGAIN);
      return { envelope: people.countersign(envelope), approval: people.issue(deny(digest)) };
    },
    ends: 'Denied',
    untouched: true,
  },
  {
    title: 'countersigned, but one bit of the image was changed on the way',
    device: 'clinic',
    offer: (people) => ({ envelope: tampered(people.countersign(people.release({ ...V1_1, sequence: 4n }).envelope)) }),
    ends: 'PayloadDigest',
  },
  {
    title: 'rolled back: an older release, still approved',
    device: 'clinic',
    offer: (people) => ({ envelope: people.countersign(people.release(V1_0).envelope) }),
    ends: 'Rollback',
    untouched: true,
  },
  {
    title: 'wrong device: approved for another product of the vendor',
    device: 'clinic',
    offer: (people) => ({
      envelope: people.countersign(people.release({ ...V1_1, sequence: 5n, foreign: true }).envelope),
    }),
    ends: 'ClassId',
    untouched: true,
  },
];

/** The reason that an outcome amounts to: 'Ok' for installed. */
export function endOf(outcome: Outcome): ReasonName {
  switch (outcome.kind) {
    case 'installed':
      return 'Ok';
    case 'refused':
      return reasonOf(outcome.reason).name as ReasonName;
    case 'deferred':
    case 'asked':
      return 'Deferred';
    case 'link-lost':
      return outcome.error.reason.name as ReasonName;
    case 'unchanged':
      return 'NothingToDo';
    default:
      return outcome satisfies never;
  }
}
