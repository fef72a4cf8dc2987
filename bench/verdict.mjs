// One whole verdict, the product's main act: a package of 100 KiB with a vendor's signature and an operator's approval
// document, from the first byte to the digest of the image, by the core and by the same checks put together from
// node:crypto (native code) and cborg, as a program without the core would do it.

import { createHash, createPublicKey, verify } from 'node:crypto';
import { decode, encode, rfc8949EncodeOptions } from 'cborg';
import { rows } from './v8.mjs';

const IMAGE_BYTES = 100 * 1024;
const PREFIX = Buffer.from('302a300506032b6570032100', 'hex'); // SubjectPublicKeyInfo of Ed25519 (RFC 8410)
const ENVELOPE_TAG = 107;
const SIGN1_TAG = 18;

const same = (a, b) => Buffer.compare(a, b) === 0;
const sha256 = (bytes) => createHash('sha256').update(bytes).digest();
const cbor = (value) => encode(value, rfc8949EncodeOptions);
const tags = { [ENVELOPE_TAG]: (inner) => inner(), [SIGN1_TAG]: (inner) => inner() };
const read = (bytes) => decode(bytes, { useMaps: true, tags });

function signed(key, [header, , payload, signature], detached) {
  const structure = cbor(['Signature1', header, new Uint8Array(0), payload ?? detached]);
  return verify(null, structure, key, signature);
}

/** The checks of design sections 4 and 5 for this one package, without a policy around them. */
function byHand({ envelope, approval, vendorKey, operatorKey, vendorId, classId }) {
  const members = read(envelope);
  const [suitDigest, vendorBlock] = read(members.get(2));
  if (!signed(vendorKey, read(vendorBlock), suitDigest)) return false;
  const manifestBytes = members.get(3);
  const [, digest] = read(suitDigest);
  if (!same(sha256(cbor(manifestBytes)), digest)) return false;
  const manifest = read(manifestBytes);
  const common = read(manifest.get(3));
  const parameters = read(common.get(4))[1];
  if (!same(parameters.get(1), vendorId) || !same(parameters.get(2), classId)) return false;
  const block = read(approval);
  if (!signed(operatorKey, block)) return false;
  const entries = read(block[2]).get(-70002);
  if (!entries.some((entry) => entry.get(1) === 1 && same(entry.get(2), digest))) return false;
  const [, imageDigest] = read(parameters.get(3));
  const image = members.get('#firmware');
  return image.length === parameters.get(14) && same(sha256(image), imageDigest);
}

/** `host` is the folder of the built host library, `target` the ratio to reach. */
export async function wholeVerdict(host, target) {
  const [{ loadCore }, { generateKey }, { buildPackage }, { encodeBootstrap }, { signApproval }] = await Promise.all(
    ['wasm', 'keys/read', 'formats/suit', 'formats/bootstrap', 'formats/approval'].map(
      (name) => import(new URL(`${name}.js`, host)),
    ),
  );
  const vendor = generateKey('ed25519');
  const operator = generateKey('ed25519');
  const [vendorId, classId] = [new Uint8Array(16).fill(1), new Uint8Array(16).fill(2)];
  const image = Uint8Array.from({ length: IMAGE_BYTES }, (_, i) => i * 7);
  const { envelope, digest } = buildPackage({ image, vendorId, classId, sequence: 2n, version: '1.0.0', key: vendor });
  const anchors = [
    { role: 'vendor', key: vendor.public },
    { role: 'operator', key: operator.public },
  ];
  const approval = signApproval(operator, {
    issuer: 'bench',
    issuedAt: 1,
    id: new Uint8Array(16),
    sequence: 1n,
    entries: [{ verdict: 'approve', digest }],
  });
  const core = await loadCore();
  const bootstrap = { device: Uint8Array.of(1), vendorId, classId, anchors, policy: {}, approvals: [] };
  if (core.provision(encodeBootstrap(bootstrap)) !== 0) throw new Error('bench: bootstrap refused');

  const given = { envelope, approval, vendorId, classId };
  const keys = { vendorKey: keyObject(vendor), operatorKey: keyObject(operator) };
  const contenders = {
    countersign: async () => {
      const { verdict, payload } = await core.judge({ envelope, evidence: [{ source: 'tree', bytes: approval }] });
      return verdict === 'install' && payload?.reason === 0;
    },
    'node:crypto + cborg': () => byHand({ ...given, ...keys }),
  };
  for (const [name, run] of Object.entries(contenders)) {
    if (!(await run())) throw new Error(`bench: ${name} does not accept the package`);
  }
  return rows('whole verdict, 100 KiB package', '/s', 1, contenders, { 'node:crypto + cborg': target });
}

const keyObject = ({ public: { bytes } }) =>
  createPublicKey({ key: Buffer.concat([PREFIX, bytes]), format: 'der', type: 'spki' });
