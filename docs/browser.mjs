// A page decides like a device does: a vendor's package is not approved, then approved, then revoked. Nothing leaves the page, and
// nothing needs a server. See docs/browser.md.

import {
  approve,
  classIdOf,
  encodeBootstrap,
  generateKey,
  join,
  loadCore,
  packageImage,
  readImage,
  reasonOf,
  revoke,
  splitEnvelope,
  vendorIdOf,
} from 'countersign/browser';

/** @param firmware bytes of a file: new Uint8Array(await file.arrayBuffer()) */
export async function approveAndCheck(firmware) {
  const now = Math.floor(Date.now() / 1000);
  const vendor = generateKey('p256');
  const operator = generateKey('ed25519');

  // The vendor signs a package.
  const image = { ...(await readImage(firmware, 'app.bin')), path: 'app.bin' };
  const release = await packageImage(vendor, image, { vendor: 'example.com', class: 'sensor', sequence: 1n, now });
  const file = join(release.parts);

  // The device: whom it trusts, and what it does with a package that nobody approved.
  const vendorId = vendorIdOf('example.com');
  const bootstrap = encodeBootstrap({
    ...{ device: Uint8Array.of(1), vendorId, classId: classIdOf(vendorId, 'sensor') },
    anchors: [
      { role: 'vendor', key: vendor.public },
      { role: 'operator', key: operator.public },
    ],
    policy: { unapproved: 'reject' },
    approvals: [],
  });
  const core = await loadCore();
  core.provision(bootstrap);
  const judge = async (...documents) => {
    const evidence = documents.map((bytes) => ({ source: 'tree', bytes }));
    const { verdict, reason } = await core.judge({ envelope: file, evidence });
    return reason === 0 ? verdict : `${verdict}: ${reasonOf(reason).name}`;
  };

  // The operator approves it, and takes that back.
  const selection = { envelope: splitEnvelope(file, 'the package') };
  const approval = approve(operator, selection, { previous: undefined, now });
  const denial = revoke(operator, selection, { previous: approval.claims, now });
  return {
    verdicts: [await judge(), await judge(approval.document), await judge(approval.document, denial.document)],
    files: { file, bootstrap, approval: approval.document, denial: denial.document, operator: operator.toCose() },
  };
}
