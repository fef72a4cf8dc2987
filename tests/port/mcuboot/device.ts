// One device with the gate, and what its maker and its operator make: images, packages and approvals. Each document of the operator is
// newer than the one before.

import { expect } from 'vitest';
import { makeApproval, makeBootstrap, makeEnvelope, makeKey, NOW, ROLE } from '../../support/make.js';
import { Board, type ImageOptions, type Mode, makeSigned, type Outcome, type Run, type SignedImage } from './board.js';

export const vendor = makeKey('p256', 'vendor');
export const operator = makeKey('p256', 'operator');
export const stranger = makeKey('p256', 'stranger');

export const anchors = [
  { role: ROLE.vendor, key: vendor },
  { role: ROLE.operator, key: operator },
];
export const bootstrap = makeBootstrap({ anchors, policy: {} });

/** An image, its package's head, and the operator's word about it. */
export interface Release extends SignedImage {
  head: Uint8Array;
  digest: Uint8Array;
}

/** How a gate is told about images: by packages, or by their hash alone. */
export interface Kind {
  suit: boolean;
  mode: Mode;
}

export const release = (revision: number, options: ImageOptions & { sequence?: number } = {}): Release => {
  const image = makeSigned({ revision, ...options });
  const { bytes: head, digest } = makeEnvelope({
    ...{ signers: [vendor], sequence: options.sequence ?? revision, image: image.region },
    ...{ detached: true, uri: 'https://vendor.example/image' },
  });
  return { ...image, head, digest };
};

let documents = 0;
/** Each is newer than the one before. */
export const says = (
  verdict: 1 | 2,
  { suit }: Kind,
  releases: readonly Release[],
  key = operator,
  more: { expires?: number } = {},
): Uint8Array => {
  documents++;
  const about = ({ digest, hash }: Release) => (suit ? { digest } : { more: [[8, hash]] as const });
  const entries = releases.map((each) => ({ verdict, ...about(each) }));
  return makeApproval({ key, sequence: documents, issuedAt: NOW + documents, entries, ...more });
};

export interface Scene {
  kind: Kind;
  board: Board;
}

/** Makes devices that run the first release, approved and confirmed. */
export function devices(run: Run, file: string, kind: Kind): () => Scene {
  let flash: Buffer | undefined; // each begins as the first one has become
  return () => {
    const scene = { kind, board: new Board(run, file, kind.mode) };
    if (!flash) {
      const first = release(1);
      scene.board.flash.primary(first);
      bring(scene, first);
      approve(scene, first);
      expect(scene.board.boot()).toMatchObject({ boots: 1 });
      flash = Buffer.from(scene.board.flash.bytes);
    }
    scene.board.flash.bytes.set(flash);
    return scene;
  };
}

export const bring = ({ kind, board }: Scene, made: Release) => kind.suit && board.head(made, made.head);
export const approve = ({ kind, board }: Scene, ...releases: Release[]) => board.approval(says(1, kind, releases));
export const deny = ({ kind, board }: Scene, ...releases: Release[]) => board.approval(says(2, kind, releases));
export const decided = ({ told }: Outcome, slot: 'primary' | 'secondary' = 'secondary') => {
  const last = told.filter((each) => each.slot === slot).at(-1);
  return last && [last.decision, last.reason];
};
export const holds = ({ board }: Scene, { bytes }: SignedImage) =>
  board.flash.slot('secondary').includes(Buffer.from(bytes));

/** The second release, approved, waits in the secondary slot. */
export function approved(scene: Scene): Release {
  const next = release(2);
  bring(scene, next);
  approve(scene, release(1), next);
  scene.board.flash.secondary(next);
  return next;
}
