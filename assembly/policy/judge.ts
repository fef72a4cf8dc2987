// From alleged to authentic to approved: the one place that takes the steps in order, for core.ts and for the agent.
//
//   judgeHead      the head of a package that reader.ts has collected:
//                  provisioned? -> SUIT_Digest is the manifest's hash -> who signed it -> a vendor did ->
//                  only now the manifest is parsed -> fits this device -> approval data in package and bootstrap
//   judgeConsider  approval data from elsewhere, any number of times
//   judgeDecide    the verdict, and its record for people (explain.ts); may be asked again later
//
// A package is judged anew by calling judgeHead again (before installation, say): nothing is carried over.
//
// The verdict is taken twice, by the table and by `judgeAgain`, and the stricter one is given: so that one instruction that a glitch
// leaves out does not install (npm run skips leaves out each of them).

import { anchorFirst, anchorSigner, Role } from '../approval/anchors';
import { identity } from '../approval/bootstrap';
import { subject, subjectForget } from '../approval/entries';
import {
  evidenceBegin,
  evidenceBlock,
  evidenceBroken,
  evidenceConsider,
  evidenceCountersigned,
  evidenceNewest,
  evidenceSure,
  evidenceWeigh,
  outcome,
  Source,
} from '../approval/evidence';
import { Cursor } from '../codec/cbor';
import { message, PROVEN } from '../codec/cose';
import { componentsFit, componentsOwned } from '../package/components';
import { envelope } from '../package/envelope';
import { manifest, manifestRead } from '../package/manifest';
import { offerFault, offerPhase, Phase } from '../package/reader';
import { wrapper, wrapperNext, wrapperOpen } from '../package/wrapper';
import { COMPONENTS } from '../profile';
import { Reason } from '../reason';
import { verdictKeep } from './explain';
import { facts, now } from './facts';
import { policy } from './policy';
import { provisioned } from './provision';
import { reasonOfRow, Situation, Verdict, verdictOf, verdictRow } from './verdict';

// Approval documents that one package may carry.
export const EMBEDDED_MAX: u32 = 4;

const list = changetype<Cursor>(memory.data(offsetof<Cursor>(), 8));
const situation = changetype<Situation>(memory.data(offsetof<Situation>(), 4));

let headFault: Reason = Reason.WrongState; // until a head is judged
let lastReason: Reason = Reason.WrongState;

// Forgets what was judged: to be called when another package is offered.
export function judgeForget(): void {
  headFault = Reason.WrongState;
  lastReason = Reason.WrongState;
  evidenceBegin();
  subjectForget();
  manifest.read = false;
}

// A package that the reader has dropped meanwhile has no verdict any more, even if nobody called judgeForget.
function judged(): Reason {
  if (headFault === Reason.Ok && !manifest.read) judgeForget();
  return headFault;
}

export function judgeHead(): Reason {
  judgeForget();
  headFault = head();
  if (headFault === Reason.Ok) {
    considerAll(Source.Package, envelope.approvals, envelope.approvalsBytes, EMBEDDED_MAX);
    considerAll(Source.Bootstrap, identity.approvals, identity.approvalsBytes, u32.MAX_VALUE);
  }
  return headFault;
}

function head(): Reason {
  if (!provisioned()) return Reason.NotProvisioned;
  const phase = offerPhase();
  if (phase === Phase.Failed) return offerFault();
  if (phase < Phase.Judging) return Reason.Truncated;
  const fault = authenticate();
  if (fault !== Reason.Ok) return fault;
  const unfit = manifestRead(identity.vendorId, identity.classId);
  return unfit !== Reason.Ok ? unfit : fits();
}

// Every block is looked at: vendor anchors make the package authentic, operator anchors countersign it.
function authenticate(): Reason {
  const fault = wrapperOpen();
  if (fault !== Reason.Ok) return fault;
  while (wrapper.blocks !== 0) {
    const unreadable = wrapperNext(message);
    if (unreadable !== Reason.Ok) evidenceBlock(unreadable, false);
    else attribute();
  }
  if (subject.vendors === 0) return Reason.VendorSignature;
  subject.digest = wrapper.digest;
  subject.classId = identity.classId; // what the class condition compares with, whatever is set afterwards
  return Reason.Ok;
}

function attribute(): void {
  const vendor = anchorSigner(message, Role.Vendor, wrapper.signed, wrapper.signedBytes);
  if (vendor !== 0) {
    subject.vendors |= vendor;
    subject.proof = message.proof;
    return;
  }
  const fault = message.fault;
  const operator = anchorSigner(message, Role.Operator, wrapper.signed, wrapper.signedBytes);
  if (operator !== 0) evidenceCountersigned(anchorFirst(operator));
  else if (message.fault !== Reason.SignerUnknown) evidenceBlock(message.fault, true);
  else evidenceBlock(fault, false);
}

function fits(): Reason {
  if (manifest.sequence < facts.installedSequence) return Reason.Rollback;
  const room = COMPONENTS && componentsOwned() ? componentsFit() : manifest.imageBytes <= facts.slotBytes;
  if (!room) return Reason.SlotTooSmall;
  subject.sequence = manifest.sequence;
  return Reason.Ok;
}

// [* bstr approval document]. Each one stands or falls alone; what else is wrong with the list is noted.
function considerAll(source: i32, from: usize, length: u32, most: u32): void {
  if (from === 0) return;
  list.open(from, length);
  const documents = list.array();
  for (let left = documents; list.more(left); left--) {
    const document = list.bytes();
    if (list.fault === Reason.Ok && documents - left < most) evidenceConsider(source, document, list.length);
  }
  if (documents > most) evidenceBroken(source, Reason.TooLarge);
  if (list.close() !== Reason.Ok) evidenceBroken(source, list.fault);
}

// One more approval document; it lies at `from` only during the call. Returns what is wrong with it by itself.
export function judgeConsider(source: i32, from: usize, length: u32): Reason {
  if (judged() !== Reason.Ok) return headFault;
  if (source < Source.Package || source > Source.Tree) return Reason.OutOfRange;
  return evidenceConsider(source, from, length);
}

// A source that should have been read and could not be.
export function judgeUnreachable(source: i32): void {
  if (judged() === Reason.Ok && source >= Source.Package && source <= Source.Tree) {
    evidenceBroken(source, Reason.SourceUnreachable);
  }
}

// The verdict over all that was seen since judgeHead. Raises the time floor, keeps what the record needs.
export function judgeDecide(): Verdict {
  const fault = judged();
  facts.timeFloor = max(facts.timeFloor, evidenceNewest());
  evidenceWeigh(now(), policy.sources);
  situation.provisioned = provisioned();
  situation.fault = fault;
  situation.denied = outcome.denied;
  situation.approved = policy.threshold !== 0 && outcome.approvals >= policy.threshold; // nobody is never enough
  situation.confirm = outcome.confirm;
  situation.unapproved = outcome.reason;
  situation.askBeforeDownload = policy.askBeforeDownload;
  situation.prompt = policy.prompt;
  const row = verdictRow(situation);
  lastReason = reasonOfRow(row, situation);
  const first = verdictOf(row);
  const second = manifest.read ? judgeAgain() : Verdict.Reject;
  const verdict = max(first, second); // the stricter one: Verdict grows with strictness
  if (verdict !== first) lastReason = Reason.Internal;
  verdictKeep(verdict, lastReason, row, now());
  return verdict;
}

// The second look: the least strict verdict that the facts allow, not by the table and not by what it reads. It asks for
// no head in memory: the agent takes it once more when a swap is about to begin.
export function judgeAgain(): Verdict {
  if (subject.vendors === 0 || subject.proof !== PROVEN || !provisioned()) return Verdict.Reject;
  const approvals = evidenceSure(now(), policy.sources);
  if (approvals < 0 || policy.threshold === 0) return Verdict.Reject;
  if (<u32>approvals >= policy.threshold) return outcome.asks ? Verdict.Ask : Verdict.Install;
  return policy.prompt ? Verdict.Ask : Verdict.Reject;
}

// The reason of the last verdict.
export function judgeReason(): Reason {
  return lastReason;
}

// The digest (32 bytes) of the manifest if it is authentic, else 0.
export function judgedDigest(): usize {
  return subject.digest;
}
