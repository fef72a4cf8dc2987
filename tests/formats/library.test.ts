// The library as a program outside sees it: the built package, imported by its name, from a vendor's key to a verdict.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as library from 'countersign';
import { describe, expect, it } from 'vitest';

describe('the library', () => {
  it('goes from keys to a verdict', async () => {
    const { buildPackage, classIdOf, encodeBootstrap, generateKey, loadCore, nextDocument, signApproval, vendorIdOf } =
      library;
    const [vendor, operator] = [generateKey('ed25519'), generateKey('p256')];
    const vendorId = vendorIdOf('example.com');
    const classId = classIdOf(vendorId, 'sensor');
    const made = buildPackage({ image: new Uint8Array(500), vendorId, classId, sequence: 1n, key: vendor });
    const core = await loadCore();
    const bootstrap = encodeBootstrap({
      device: Uint8Array.of(1),
      vendorId,
      classId,
      anchors: [
        { role: 'vendor', key: vendor.public },
        { role: 'operator', key: operator.public },
      ],
      policy: {},
      approvals: [],
    });
    expect(core.provision(bootstrap)).toBe(0);
    const { envelope, digest } = made;
    const before = await core.judge({ envelope });
    expect([before.verdict, before.reason]).toEqual(['reject', library.reasons.NotApproved.code]);
    const { claims } = nextDocument({
      previous: undefined,
      issuer: 'A',
      entries: [{ verdict: 'approve', digest }],
      now: 1_800_000_000,
    });
    const bytes = signApproval(operator, claims);
    const after = await core.judge({ envelope, evidence: [{ source: 'tree', bytes }] });
    expect(after).toMatchObject({
      verdict: 'install',
      reason: 0,
      manifestDigest: digest,
      payload: { reason: 0, bytes: 500 },
    });
    const folder = mkdtempSync(join(tmpdir(), 'library-'));
    writeFileSync(join(folder, 'it.suit'), envelope);
    const file = await library.openFile(join(folder, 'it.suit'));
    const { digest: inFile } = await library.openEnvelope(file, 'it');
    expect([inFile, await core.judge({ envelope: file, evidence: [{ source: 'tree', bytes }] })]).toEqual([
      digest,
      after,
    ]);
    await file.close();
    rmSync(folder, { recursive: true });
  });

  it('has one family of errors', () => {
    expect(() => library.splitEnvelope(Uint8Array.of(1), 'it')).toThrow(library.CountersignError);
    expect(library.reasonOf(80).exit).toBe(20);
  });
});
