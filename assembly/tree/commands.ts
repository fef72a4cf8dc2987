// Put (Add and Replace), Delete and Exec. Values of more than one packet are collected in HEAD, unless they are a
// package, which streams into the slot; a value is applied when it is whole.

import { DOCUMENT_BYTES_MAX } from '../approval/document';
import { Key } from '../flash/keys';
import { storeDetached, storeHolds, storeStage } from '../flash/store';
import { HEAD } from '../package/head';
import { offerBegin } from '../package/reader';
import { CHANGE_BYTES_MAX } from '../policy/change';
import { Reason } from '../reason';
import { changePut } from '../update/changing';
import {
  downloadActive,
  downloadBegin,
  downloadClear,
  downloadOffset,
  downloadPush,
  downloadYield,
} from '../update/download';
import { handCommit, Operation } from '../update/hand';
import { orderTake } from '../update/order';
import { approvalPut, bootstrapPut } from '../update/provisioning';
import { pullNamed } from '../update/pull';
import { HeadUser, headTake, headUser, inputIsLost } from '../update/rooms';
import { COST_COMMIT, wearPay } from '../update/wear';
import { DELETE, EXEC, Node, nodeAllows, PUT } from './nodes';

const URL_BYTES_MAX: u32 = 255; // LwM2M's bound for the same thing

let node: Node = Node.None; // of the value that is being put
let total: u32 = 0;
let have: u32 = 0;

// The next byte wanted of the value that is being put; its length when it is applied.
export function putOffset(): u32 {
  return node === Node.PkgData ? downloadOffset() : have;
}

// One piece. At offset 0 `length` is that of the whole value. A piece at another offset than the one wanted is dropped,
// and putOffset tells where to go on.
export function treePut(link: i32, target: Node, offset: u32, length: u32, from: usize, bytes: u32): Reason {
  if (!nodeAllows(target, PUT)) return Reason.NotPermitted;
  if (offset === 0) {
    const reason = begin(link, target, length);
    if (reason !== Reason.Ok) return reason;
  }
  if (node !== target) return Reason.WrongOffset;
  if (target === Node.PkgData) {
    return offset === downloadOffset() && !inputIsLost() ? downloadPush(link, from, bytes) : Reason.Ok;
  }
  if (bytes > total - have) return Reason.ValueMalformed;
  // Whole in one packet: applied where it lies, so that it needs no room of its own.
  if (offset === 0 && bytes === total) return apply(from, bytes);
  if (offset === 0) {
    downloadYield();
    if (downloadActive()) return Reason.WrongState;
    offerBegin();
    headTake(HeadUser.Put);
  }
  if (headUser() !== HeadUser.Put) return Reason.WrongOffset;
  if (offset !== have) return Reason.Ok;
  memory.copy(HEAD + have, from, bytes);
  have += bytes;
  return have === total ? apply(HEAD, total) : Reason.Ok;
}

function begin(link: i32, target: Node, length: u32): Reason {
  node = Node.None;
  if (target === Node.PkgData) {
    const reason = downloadBegin(link, length, 0);
    if (reason !== Reason.Ok) return reason;
  } else if (storeDetached()) {
    return Reason.ApplicationRuns;
  } else if (length > bytesMax(target)) {
    return Reason.ValueTooLarge;
  }
  node = target;
  total = length;
  have = 0;
  return Reason.Ok;
}

function bytesMax(target: Node): u32 {
  switch (target) {
    case Node.DownloadUrl:
    case Node.DownloadAndUpdateUrl:
      return URL_BYTES_MAX;
    case Node.Change:
      return CHANGE_BYTES_MAX;
    default:
      return DOCUMENT_BYTES_MAX; // a bootstrap document is as large
  }
}

function apply(from: usize, bytes: u32): Reason {
  const target = node;
  node = Node.None;
  have = total;
  switch (target) {
    case Node.Bootstrap:
      return bootstrapPut(from, bytes);
    case Node.Approvals:
    case Node.Approval:
      return approvalPut(from, bytes);
    case Node.Change:
      return changePut(from, bytes);
    case Node.DownloadUrl:
      return keepUrl(0, from, bytes);
    case Node.DownloadAndUpdateUrl:
      return keepUrl(1, from, bytes);
    default:
      return Reason.NotPermitted;
  }
}

function keepUrl(number: u32, from: usize, bytes: u32): Reason {
  const key = Key.Url | (number << 8);
  if (storeHolds(key, from, bytes)) return Reason.Ok;
  const poor = wearPay(COST_COMMIT, false);
  if (poor !== Reason.Ok) return poor;
  storeStage(key, from, bytes);
  return handCommit();
}

// Drops the package that is on board or on its way.
export function treeDelete(target: Node): Reason {
  return nodeAllows(target, DELETE) ? downloadClear() : Reason.NotPermitted;
}

// `named`: the digest of the manifest of what is to be fetched, or 0: then the PkgURL beside it may name one.
export function treeExec(link: i32, target: Node, correlator: usize, length: u32, named: usize): Reason {
  if (!nodeAllows(target, EXEC)) return Reason.NotPermitted;
  const operation = operationOf(target);
  if (operation === Operation.Update) named = 0;
  else if (named === 0) named = pullNamed(Key.Url | (u32(operation === Operation.DownloadAndUpdate) << 8));
  return orderTake(operation, link + 1, correlator, length, named);
}

function operationOf(target: Node): Operation {
  if (target === Node.Download) return Operation.Download;
  return target === Node.Update ? Operation.Update : Operation.DownloadAndUpdate;
}
