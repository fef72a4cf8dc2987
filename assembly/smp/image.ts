// Image group (1), as any SMP client speaks it. Slot 0 is what runs, slot 1 what is staged (or, during a trial, what
// ran before); `hash` is the digest of the manifest, which names a package with everything that was signed.
//
//   0 state    read    {}                                the list of images
//              write   {"hash", "confirm"?: bool}        install what is staged, test or confirm alike: policy says how
//                      {"confirm": true}                 many boots it has to confirm itself; then the list
//   1 upload   write   {"off", "data", "len", "sha"?}    {"off": next byte wanted}
//   5 erase    write   {"slot"?: 1}                      {}
//   6 slots    read    {}                                sizes
//
// A refusal of a package is the answer to the packet that completes its head: SMP's "access denied", and our Reason in
// the text beside it (reply.ts).

import { compare } from '../codec/bytes';
import { Type, writing } from '../codec/cbor';
import { Key } from '../flash/keys';
import { imageBytesMax } from '../flash/slots';
import { Reason } from '../reason';
import { downloadBegin, downloadClear, downloadOffset, downloadPush } from '../update/download';
import { Operation } from '../update/hand';
import { confirmFromAfar, onTrial } from '../update/install';
import { updating } from '../update/machine';
import { orderTake } from '../update/order';
import { digestOf, other, Package, pack, packageLoad, versionBytes, versionOf } from '../update/packages';
import { inputIsLost } from '../update/rooms';
import {
  done,
  failure,
  Group,
  OK,
  ours,
  replyBytes,
  replyMap,
  replyNumber,
  replyText,
  replyTruth,
  replyWord,
} from './reply';
import { addressOf, Field, has, isTrue, lengthOf, numberOf } from './request';
import * as words from './words';

// Numbers of the image group.
const enum Image {
  HashNotFound = 8,
  InvalidSlot = 14,
  InvalidOffset = 20,
  InvalidLength = 21,
  InvalidHash = 24,
  ActiveDenied = 33,
}

const DIGEST_BYTES: u32 = 32;

export function imageState(): i32 {
  const running = packageLoad(pack, Key.Primary);
  const staged = packageLoad(other, Key.Staged);
  const second = staged || packageLoad(other, Key.Previous);
  replyMap(1);
  replyWord(words.IMAGES);
  writing.array((running ? 1 : 0) + (second ? 1 : 0));
  const trial = onTrial();
  if (running) {
    image(0, pack, 3);
    replyTruth(words.ACTIVE, true);
    replyTruth(words.BOOTABLE, true);
    replyWord(words.CONFIRMED);
    writing.boolean(!trial);
  }
  if (second) {
    const pending = staged && updating();
    image(1, other, pending ? 2 : 1);
    replyTruth(words.BOOTABLE, true);
    if (pending) replyTruth(words.PENDING, true);
  }
  return OK;
}

function image(slot: u32, pack: Package, flags: u32): void {
  writing.map(3 + flags);
  replyNumber(words.SLOT, slot);
  replyText(words.VERSION, versionOf(pack), versionBytes(pack));
  replyBytes(words.HASH, digestOf(pack), DIGEST_BYTES);
}

export function imageStateWrite(): i32 {
  const wanted = isTrue(Field.Confirm);
  if (!has(Field.Hash, Type.Bytes)) return wanted ? confirmRunning() : failure(Group.Image, Image.InvalidHash);
  if (lengthOf(Field.Hash) !== DIGEST_BYTES) return failure(Group.Image, Image.InvalidHash);
  const hash = addressOf(Field.Hash);
  if (packageLoad(pack, Key.Staged) && compare(hash, digestOf(pack), DIGEST_BYTES) === 0) {
    const reason = orderTake(Operation.Update, 0, 0, 0, 0);
    return reason === Reason.Ok ? imageState() : ours(reason);
  }
  if (packageLoad(pack, Key.Primary) && compare(hash, digestOf(pack), DIGEST_BYTES) === 0) {
    return wanted ? confirmRunning() : failure(Group.Image, Image.ActiveDenied);
  }
  return failure(Group.Image, Image.HashNotFound);
}

function confirmRunning(): i32 {
  const reason = onTrial() ? confirmFromAfar() : Reason.Ok;
  return reason === Reason.Ok ? imageState() : ours(reason);
}

export function imageUpload(link: i32): i32 {
  if (!has(Field.Off, Type.Uint)) return failure(Group.Image, Image.InvalidOffset);
  if (!has(Field.Data, Type.Bytes)) return failure(Group.Image, Image.InvalidLength);
  if (numberOf(Field.Image, 0) !== 0) return failure(Group.Image, Image.InvalidSlot);
  const off = numberOf(Field.Off, 0);
  let reason: Reason = Reason.Ok;
  if (off === 0) {
    if (!has(Field.Len, Type.Uint)) return failure(Group.Image, Image.InvalidLength);
    const named = has(Field.Sha, Type.Bytes) && lengthOf(Field.Sha) === DIGEST_BYTES;
    reason = downloadBegin(link, numberOf(Field.Len, 0), named ? addressOf(Field.Sha) : 0);
  }
  // Bytes for another offset than the one wanted are dropped; the answer says which one that is.
  // Nor is anything taken from a packet that a verdict wrote over: it is asked for again.
  if (reason === Reason.Ok && off === downloadOffset() && lengthOf(Field.Data) && !inputIsLost()) {
    reason = downloadPush(link, addressOf(Field.Data), lengthOf(Field.Data));
  }
  if (reason !== Reason.Ok) return ours(reason);
  replyMap(1);
  replyNumber(words.OFF, downloadOffset());
  return OK;
}

export function imageErase(): i32 {
  if (numberOf(Field.Slot, 1) !== 1) return failure(Group.Image, Image.InvalidSlot);
  const reason = downloadClear();
  return reason === Reason.Ok ? done() : ours(reason);
}

export function imageSlots(): i32 {
  replyMap(1);
  replyWord(words.IMAGES);
  writing.array(1);
  writing.map(3);
  replyNumber(words.IMAGE, 0);
  replyWord(words.SLOTS);
  writing.array(2);
  for (let slot: u32 = 0; slot < 2; slot++) {
    writing.map(2 + slot);
    replyNumber(words.SLOT, slot);
    replyNumber(words.SIZE, imageBytesMax());
    if (slot === 1) {
      replyWord(words.UPLOAD_IMAGE_ID);
      writing.uint(0);
    }
  }
  replyWord(words.MAX_IMAGE_SIZE);
  writing.uint(imageBytesMax());
  return OK;
}
