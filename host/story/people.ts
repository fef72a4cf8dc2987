// The people of the story, their keys, and what they sign. Everything is made afresh for each telling, with the same
// functions that the command uses; only the firmware images are compiled C: those of boards/microbit/app, which are on file, or the
// board's own, which are built.

import { readFile } from 'node:fs/promises';
import {
  addBlock,
  buildApplication,
  buildPackage,
  classIdOf,
  type Entry,
  encodeBootstrap,
  fromHex,
  generateKey,
  newDocumentId,
  type Package,
  type Policy,
  packageRoot,
  readImage,
  sign1,
  signApproval,
  splitEnvelope,
  vendorIdOf,
} from '../index.js';

const VENDOR = 'vendor.example';
const CLASS = 'bedside-sensor';
const OTHER_CLASS = 'corridor-lamp';
const ISSUER = 'hospital.example';

export type AppVersion = '1.0.0' | '1.1.0';

export interface Release {
  version: AppVersion;
  sequence: bigint;
  /** For another product of the same vendor. */
  foreign?: boolean;
}

export interface People {
  /** The vendor signs a release. */
  release(release: Release): Package;
  /** The operator adds its signature to the package. */
  countersign(envelope: Uint8Array): Uint8Array;
  /** The operator issues its next approval document, which replaces the one before. */
  issue(...entries: Entry[]): Uint8Array;
  /** What a blank device is given once. */
  bootstrap(deviceId: string, policy: Policy): Uint8Array;
}

export async function gatherPeople(board: string): Promise<People> {
  const vendor = generateKey('p256');
  const operator = generateKey('ed25519');
  const vendorId = vendorIdOf(VENDOR);
  const classId = classIdOf(vendorId, CLASS);
  const images = { '1.0.0': await appImage(board, '1.0.0'), '1.1.0': await appImage(board, '1.1.0') };
  let sequence = 0n;

  return {
    release: ({ version, sequence, foreign }) =>
      buildPackage({
        image: images[version],
        vendorId,
        classId: foreign ? classIdOf(vendorId, OTHER_CLASS) : classId,
        sequence,
        version,
        name: 'demo-app',
        vendorName: VENDOR,
        key: vendor,
      }),
    countersign(bytes) {
      const envelope = splitEnvelope(bytes, 'package');
      return addBlock(envelope, sign1(operator, envelope.suitDigest, { detached: true }), 'package');
    },
    issue: (...entries) =>
      signApproval(operator, {
        issuer: ISSUER,
        issuedAt: Math.floor(Date.now() / 1000),
        id: newDocumentId(),
        sequence: ++sequence,
        entries,
      }),
    bootstrap: (deviceId, policy) =>
      encodeBootstrap({
        device: fromHex(deviceId),
        vendorId,
        classId,
        anchors: [
          { role: 'vendor', key: vendor.public, name: VENDOR },
          { role: 'operator', key: operator.public, name: ISSUER },
        ],
        policy,
        approvals: [],
      }),
  };
}

async function appImage(board: string, version: AppVersion): Promise<Uint8Array> {
  const own = await buildApplication(board, version);
  if (own) return own;
  const url = new URL(`boards/microbit/app/app-${version}.hex`, packageRoot);
  return (await readImage(await readFile(url), url.pathname)).bytes;
}
