// The policy of a device, from its bootstrap document.
//
//   {? 1: unapproved (0 reject, 1 prompt), ? 2: ask before download (0, 1), ? 3: prompt timeout in seconds,
//    ? 4: threshold, ? 5: sources mask, ? 6: consent channels mask, ? 7: when an installed package is denied (0 report,
//    1 revert), ? 8: trial boots before revert (0: no trial, confirmed as soon as it is in place)}
//
// What is absent is the cautious value: reject, one operator, answers at the device alone. An unknown key or value
// makes the whole policy malformed: it may be a restriction that we would not keep.

import { ANCHORS_MAX } from '../approval/anchors';
import { reading } from '../codec/cbor';
import { Reason } from '../reason';

const TIMEOUT_SECONDS: u32 = 300;
const TIMEOUT_SECONDS_MAX: u32 = 604800; // a week; as milliseconds it still fits 32 bits
const SOURCES_ALL: u32 = 15;
const CHANNELS_ALL: u32 = 7;
const TRIAL_BOOTS_MAX: u32 = 15; // a counter of four bits in a flash record

@unmanaged
export class Policy {
  timeoutSeconds: u32; // 3
  threshold: u32; // 4
  sources: u32; // 5, bit = 1 << (source - 1)
  channels: u32; // 6: 1 local, 2 remote, signed by a consenter, 4 the delivering line has a person at its end
  trialBoots: u32; // 8
  prompt: bool; // 1: what is not approved is put to the user (else rejected)
  askBeforeDownload: bool; // 2
  revertDenied: bool; // 7
}

// More operators than there can be: what no policy was read for is approved by nobody. It stands in memory wherever a policy has not
// come to its end, so that one instruction which a glitch leaves out makes no milder one.
const NOBODY: u32 = ANCHORS_MAX + 1;

export const policy = changetype<Policy>(memory.data(offsetof<Policy>(), 4));

export function policyDefaults(): void {
  policy.prompt = false;
  policy.askBeforeDownload = false;
  policy.timeoutSeconds = TIMEOUT_SECONDS;
  policy.threshold = NOBODY;
  policy.sources = SOURCES_ALL;
  policy.channels = 1;
  policy.revertDenied = false;
  policy.trialBoots = 1;
}

export function policyRead(from: usize, length: u32): Reason {
  policyDefaults();
  reading.open(from, length);
  let previous: usize = 0;
  for (let left = reading.map(); reading.more(left); left--) {
    previous = reading.ordered(previous);
    readMember(reading.label());
  }
  if (reading.close() !== Reason.Ok) {
    policyDefaults();
    return Reason.PolicyMalformed;
  }
  if (policy.threshold === NOBODY) policy.threshold = 1; // it says nothing of it
  return Reason.Ok;
}

function readMember(key: i32): void {
  switch (key) {
    case 1:
      policy.prompt = reading.upTo(1) !== 0;
      break;
    case 2:
      policy.askBeforeDownload = reading.upTo(1) !== 0;
      break;
    case 3:
      policy.timeoutSeconds = atLeastOne(TIMEOUT_SECONDS_MAX);
      break;
    case 4:
      policy.threshold = atLeastOne(ANCHORS_MAX);
      break;
    case 5:
      policy.sources = reading.upTo(SOURCES_ALL);
      break;
    case 6:
      policy.channels = reading.upTo(CHANNELS_ALL);
      break;
    case 7:
      policy.revertDenied = reading.upTo(1) !== 0;
      break;
    case 8:
      policy.trialBoots = reading.upTo(TRIAL_BOOTS_MAX);
      break;
    default:
      reading.fail(Reason.UnknownMember);
  }
}

function atLeastOne(most: u32): u32 {
  const value = reading.upTo(most);
  if (value === 0) reading.fail(Reason.OutOfRange);
  return value;
}
