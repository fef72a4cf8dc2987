// The main job of a vendor and of an operator through the library alone: the built package, imported by its name. No command,
// no file, no broker: values in, documents and reports out, and a core that says what a device would do with them.

import { createHash } from 'node:crypto';
import * as library from 'countersign';
import { beforeAll, describe, expect, it } from 'vitest';

const NOW = 1_800_000_000;
const DAY = 86_400;
const vendor = library.generateKey('ed25519');
const operator = library.generateKey('ed25519');
const second = library.generateKey('p256');
const release: library.Release = { vendor: 'example.com', class: 'sensor', sequence: 5n, now: NOW };

const imageOf = async (seed: string): Promise<library.NamedImage<Uint8Array>> => {
  const bytes = Uint8Array.from({ length: 3000 }, (_, at) => createHash('md5').update(`${seed}${at}`).digest()[0]!);
  return { ...(await library.readImage(bytes, 'app.bin')), path: 'app.bin' };
};

const vendorId = library.vendorIdOf('example.com');
const anchor = (role: library.Role, key: library.SigningKey) => ({ role, key: key.public });
const bootstrapOf = (policy: library.Policy = {}) =>
  library.encodeBootstrap({
    device: Uint8Array.of(1),
    vendorId,
    classId: library.classIdOf(vendorId, 'sensor'),
    anchors: [anchor('vendor', vendor), anchor('operator', operator), anchor('operator', second)],
    policy,
    approvals: [],
  });

let core: library.Core;
let image: library.NamedImage<Uint8Array>;
let bytes: Uint8Array; // of the package
let envelope: library.Envelope;
beforeAll(async () => {
  core = await library.loadCore();
  expect(core.provision(bootstrapOf())).toBe(0);
  image = await imageOf('first');
  const made = await library.packageImage(vendor, image, release);
  bytes = library.join(made.parts);
  envelope = library.splitEnvelope(bytes, 'package');
});

async function judge(packet: Uint8Array, ...documents: Uint8Array[]): Promise<[string, string]> {
  const evidence = documents.map((one) => ({ source: 'tree', bytes: one }) as const);
  const { verdict, reason } = await core.judge({ envelope: packet, evidence, facts: { time: BigInt(NOW) } });
  return [verdict, library.reasonOf(reason).name];
}

const fails = (name: library.ReasonName) =>
  expect.objectContaining({ name: 'CountersignError', code: library.reasons[name].code });
const thrown = (make: () => unknown): unknown => {
  try {
    return make();
  } catch (error) {
    return error;
  }
};

describe('a vendor', () => {
  it('packages an image, and is told what the package says', async () => {
    const made = await library.packageImage(vendor, image, { ...release, version: '1.2.0', name: 'sensor' });
    expect(made.bytes).toBe(library.join(made.parts).length);
    expect(made.headBytes).toBe(made.bytes - 3000);
    expect(made.view.text).toEqual({ name: 'sensor', version: '1.2.0' });
    expect([made.view.sequence, made.view.image.bytes, made.detached]).toEqual([5n, 3000, false]);
    expect(made.warnings).toEqual([expect.stringContaining('does not begin as a Cortex-M starts')]);
    expect(await judge(library.join(made.parts))).toEqual(['reject', 'NotApproved']); // it is the vendor's, but not approved
  });

  it('signs in three steps what it signs in one, byte for byte', async () => {
    const draft = await library.draftRelease(image, release);
    const { text } = library.prepareRequest(library.requestRelease(vendor.public, draft), 'app.request.yaml');
    const there = library.readRequest(text, 'app.request.yaml', library.VENDOR_FORMS);
    expect(library.rows(library.requestRows(there, 'it')).join('\n')).toContain('sequence      5');
    const signature = library.signRequest(vendor, there, 'app.request.yaml');
    const here = library.readRequest(text, 'app.request.yaml', library.VENDOR_FORMS);
    const names = { request: 'app.request.yaml', signature: 'app.sig' };
    const assembled = library.assembleRequest(core, here, signature, vendor.public, names);
    const made = await library.acceptRelease(assembled, image);
    expect(library.join(made.parts)).toEqual(bytes);
    const detached = await library.acceptRelease(assembled, undefined, { detached: true });
    expect(library.join(detached.parts)).toEqual(library.detachPayload(envelope));

    await expect(library.acceptRelease(assembled, await imageOf('other'))).rejects.toEqual(fails('RequestMismatch'));
    await expect(library.acceptRelease(assembled, undefined)).rejects.toEqual(fails('BadArgument'));
    const countersignature = library.requestCountersignature(vendor.public, envelope, 'it');
    const other = library.assembleRequest(core, countersignature, signature, vendor.public, names); // the very same bytes
    await expect(library.acceptRelease(other, image)).rejects.toEqual(fails('RequestMismatch'));
    expect(thrown(() => library.readRequest(text, 'it', library.OPERATOR_FORMS))).toEqual(fails('RequestMismatch'));
    expect(thrown(() => library.signRequest(operator, here, 'it'))).toEqual(fails('KeyWrong'));
    expect(thrown(() => library.assembleRequest(core, here, new Uint8Array(64), vendor.public, names))).toEqual(
      fails('RequestMismatch'),
    );
  });

  it('is stopped by a number far ahead, an image that starts elsewhere, and a uri for firmware inside', async () => {
    const far = library.packageImage(vendor, image, { ...release, sequence: 2n ** 63n });
    await expect(far).rejects.toEqual(fails('FarAhead'));
    for (const wrong of [{ address: 4096 }, { uri: 'https://example.com/app.bin' }]) {
      const stopped = library.packageImage(vendor, image, { ...release, ...wrong });
      await expect(stopped).rejects.toEqual(fails('BadArgument'));
    }
  });
});

describe('an operator', () => {
  it('approves a package and a device installs it; revokes it and the device rejects it', async () => {
    const approved = library.approve(
      operator,
      { envelope },
      { previous: undefined, now: NOW, expires: NOW + 90 * DAY },
    );
    expect(approved.warnings).toEqual([]);
    expect(await judge(bytes, approved.document)).toEqual(['install', 'Ok']);
    expect(await judge(bytes)).toEqual(['reject', 'NotApproved']);

    const record = library.claimsFromYaml(library.recordText(approved.claims), 'record');
    expect(record).toEqual(approved.claims);
    const denied = library.revoke(operator, { envelope }, { previous: record, now: NOW });
    expect([denied.claims.sequence, denied.repeated]).toEqual([approved.claims.sequence + 1n, []]);
    expect(await judge(bytes, denied.document)).toEqual(['reject', 'Denied']);
    expect(await judge(bytes, approved.document, denied.document)).toEqual(['reject', 'Denied']);

    const options = { previous: denied.claims, now: NOW + 1 };
    const again = library.approve(operator, { envelope }, options);
    expect(again.warnings).toEqual([{ rule: 'ends-denial', text: expect.stringContaining('deny package') }]);
    const rule: library.Selection = { class: 'sensor', vendor: 'example.com', range: [5n, 9n] };
    expect(thrown(() => library.approve(operator, rule, { ...options, only: true }))).toEqual(fails('WouldLift'));
    expect(library.approve(operator, rule, options).repeated).toHaveLength(1);
  });

  it('is told what happens to earlier approvals that the next document repeats', async () => {
    const digest = async (seed: string) => {
      const made = await library.packageImage(vendor, await imageOf(seed), release);
      return { envelope: library.splitEnvelope(library.join(made.parts), seed) };
    };
    const [a, b] = [await digest('a'), await digest('b')];
    const first = library.approve(operator, a, { previous: undefined, now: NOW, expires: NOW + 10 * DAY });
    const warningsOf = (selection: library.Selection, more: Partial<library.IssueOptions>) =>
      library.approve(operator, selection, { previous: first.claims, now: NOW, ...more }).warnings;
    const rule = 'moves-bounds';
    expect(warningsOf(b, {})).toEqual([]);
    expect(warningsOf(a, { expires: NOW + 365 * DAY })).toEqual([]); // it is the very entry
    const moved = { rule, text: expect.stringMatching(/^the end of 1 repeated approval moves from 2027-\S+ to 2028-/) };
    expect(warningsOf(b, { expires: NOW + 365 * DAY })).toEqual([moved]);
    expect(warningsOf(b, { expires: NOW + 365 * DAY, only: true })).toEqual([]);
    const later = { rule, text: expect.stringContaining('the begin of 1 repeated approval moves from none to') };
    expect(warningsOf(b, { notBefore: NOW + DAY })).toEqual([later]);
    const narrow = { ...a, devices: [Uint8Array.of(1)] };
    const wider = { rule: 'not-narrower', text: expect.stringContaining('--only leaves it out') };
    expect(warningsOf(narrow, {})).toEqual([wider]);
    expect(warningsOf(narrow, { only: true })).toEqual([]);
  });

  it('looks at what it approves: a package whose text was exchanged is no package', () => {
    const other = { ...envelope, manifest: Uint8Array.of(...envelope.manifest, 0) };
    const options = { previous: undefined, now: NOW };
    expect(thrown(() => library.approve(operator, { envelope: other }, options))).toEqual(fails('ManifestDigest'));
    expect(thrown(() => library.countersign(operator, other, 'it'))).toEqual(fails('ManifestDigest'));
    expect(thrown(() => library.approve(operator, {}, options))).toEqual(fails('BadArgument'));
    expect(library.isSignedBy(core, envelope, vendor.public)).toBe(true);
    expect(library.isSignedBy(core, envelope, operator.public)).toBe(false);
  });

  it('holds a ceremony: the same document as in one step, unless a newer one was issued meanwhile', async () => {
    const entries = [library.entryOf('approve', { envelope })];
    const draft = library.draftDocument(operator.public, entries, { previous: undefined, now: NOW });
    const { text, toBeSigned } = library.prepareRequest(
      library.requestDraft(operator.public, draft),
      'it.request.yaml',
    );
    const request = library.readRequest(text, 'it', library.OPERATOR_FORMS);
    const signature = library.signRequest(operator, request, 'it');
    expect(signature).toEqual(operator.sign(toBeSigned)); // any tool will do
    const names = { request: 'it.request.yaml', signature: 'it.sig' };
    const assembled = library.assembleRequest(core, request, signature, operator.public, names);
    const issued = library.acceptDocument(assembled, { previous: undefined, now: NOW });
    expect(issued.document).toEqual(library.signDraft(operator, draft).document);
    expect(issued.claims).toEqual(draft.claims);
    expect(await judge(bytes, issued.document)).toEqual(['install', 'Ok']);
    const options = { previous: draft.claims, now: NOW };
    expect(thrown(() => library.acceptDocument(assembled, options))).toEqual(fails('BadArgument'));
    expect(thrown(() => library.assembleRequest(core, request, signature.slice(1), operator.public, names))).toEqual(
      fails('SignatureLength'),
    );
  });

  it('countersigns in one step or three, alike', async () => {
    const once = library.countersign(operator, envelope, 'it');
    expect([once.signatures, once.digest]).toEqual([2, envelope.digest]);
    expect(await judge(library.join(once.parts))).toEqual(['install', 'Ok']);
    const request = library.requestCountersignature(operator.public, envelope, 'it');
    const names = { request: 'it.request.yaml', signature: 'it.sig' };
    const signature = library.signRequest(operator, request, 'it');
    const assembled = library.assembleRequest(core, request, signature, operator.public, names);
    const added = library.acceptCountersignature(assembled, envelope, 'it');
    expect(library.join(added.parts)).toEqual(library.join(once.parts));
    const packet = library.join((await library.packageImage(vendor, await imageOf('other'), release)).parts);
    const other = library.splitEnvelope(packet, 'other');
    expect(thrown(() => library.acceptCountersignature(assembled, other, 'other'))).toEqual(fails('RequestMismatch'));
    expect(thrown(() => library.acceptDocument(assembled, { previous: undefined, now: NOW }))).toEqual(
      fails('RequestMismatch'),
    );
  });

  it('is told what is doubtful', () => {
    const { document } = library.approve(operator, { envelope }, { previous: undefined, now: NOW, expires: NOW + DAY });
    const wide = library.approve(second, { vendorKid: vendor.public.kid }, { previous: undefined, now: NOW });
    const report = library.lint(core, {
      documents: [
        { name: 'it', bytes: document },
        { name: 'wide', bytes: wide.document },
      ],
      packages: [{ name: 'package', envelope }],
      bootstrap: { name: 'device', bytes: bootstrapOf() },
      now: NOW,
    });
    expect([report.documents, report.packages]).toEqual([2, 1]);
    expect(report.warnings.map(({ document: name, rule }) => [name, rule])).toEqual([
      ['it', 'expires-soon'],
      ['wide', 'wide'],
      ['wide', 'open-ended'],
    ]);
    core.provision(bootstrapOf());
  });

  it('publishes: never an older document in place of a newer one', async () => {
    const kept = new Map<string, Uint8Array>();
    const shelf: library.Shelf = {
      topic: (name) => `shelf/${name}`,
      read: async (name) => kept.get(name),
      put: async (name, document) => void kept.set(name, document),
    };
    const options = { previous: undefined, now: NOW, issuer: 'acme' };
    const first = library.approve(operator, { envelope }, options);
    const publication = await library.preparePublication(shelf, first.document);
    expect([publication.operator, publication.there, kept.size]).toEqual(['acme', false, 0]);
    await publication.put();
    expect(kept.get('acme')).toEqual(first.document);
    expect((await library.preparePublication(shelf, first.document)).there).toBe(true);

    const next = library.revoke(operator, { envelope }, { ...options, previous: first.claims, now: NOW + 400 * DAY });
    const others = async () => [...kept.values()];
    const replacing = await library.preparePublication(shelf, next.document, { others });
    expect([replacing.replaced, replacing.warnings.map(({ rule }) => rule)]).toEqual([
      first.claims.sequence,
      ['clock'],
    ]);
    await replacing.put();
    await expect(library.preparePublication(shelf, first.document)).rejects.toEqual(fails('Superseded'));
    const { document } = library.approve(second, { envelope }, options);
    await expect(library.preparePublication(shelf, document)).rejects.toEqual(fails('KeyWrong'));
  });

  it('alters the policy of devices in the field, with as many signatures as they ask for', async () => {
    const text = (more: string) => new TextEncoder().encode(`policy: {threshold: 2}\n${more}`);
    const none = async (): Promise<Uint8Array> => expect.fail('the text names no file');
    const draft = await library.draftChange(text(''), 'it', none, NOW);
    expect([draft.warnings, draft.change.sequence]).toEqual([[], BigInt(NOW)]);
    const signed = library.signChange(operator, draft.change);
    expect(library.foreseeChange(core, bootstrapOf(), signed, 'device')).toBe(0);
    const strict = bootstrapOf({ threshold: 2 });
    expect(library.foreseeChange(core, strict, signed, 'device')).toBe(library.reasons.TooFewOperators.code);
    expect(library.foreseeChange(core, strict, library.cosignChange(second, signed, 'it'), 'device')).toBe(0);
    const wrong = library.signChange(vendor, draft.change);
    expect(thrown(() => library.foreseeChange(core, bootstrapOf(), wrong, 'device'))).toMatchObject({
      name: 'CountersignError',
    });
    const far = await library.draftChange(text('sequence: 9000000000\nissued: 2099-01-01'), 'it', none, NOW);
    expect(far.warnings.map(({ rule }) => rule)).toEqual(['issued-ahead', 'far-ahead']);
    core.provision(bootstrapOf());
  });
});
