// What may be published as a package, and publishing as a part of something longer: what a promise tells of its progress, as
// steps for whoever shows them.

import type { Steps } from '../device/follow.js';
import { CountersignError } from '../errors.js';
import type { Bytes } from '../formats/byte-source.js';
import type { Envelope } from '../formats/envelope.js';
import { payloadDigests, requireWhole, viewManifest } from '../formats/manifest.js';
import { BLOCK_BYTES } from '../links/papers.js';
import type { Progress } from '../progress.js';
import { withResolvers } from '../wait.js';

/** Yields the bytes of the blocks that are published; nothing if there was nothing to send. */
export async function* publishing<T>(publish: (told: (done: number, of: number) => void) => Promise<T>): Steps<T> {
  let next = withResolvers<Progress>();
  const work = publish((done, of) => {
    const { resolve } = next;
    next = withResolvers();
    resolve({ kind: 'work', phase: 'sending', done: done * BLOCK_BYTES, total: of * BLOCK_BYTES });
  });
  const ended = work.then(
    () => undefined,
    () => undefined,
  );
  for (;;) {
    const step = await Promise.race([next.promise, ended]);
    if (!step) return work;
    yield step;
  }
}

/** Throws unless all of it is what its manifest names: damage that is published under a good name is everybody's. */
export async function requirePublishable(envelope: Envelope<Bytes>, path: string): Promise<void> {
  requireWhole(envelope, path);
  if (viewManifest(envelope, path, await payloadDigests(envelope)).intact.payload === false) {
    throw new CountersignError('PayloadDigest', `package: ${path} has another firmware than its manifest names`);
  }
}
