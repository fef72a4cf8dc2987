// The whole main job by the library alone, without the command: a device refuses a vendor's release until its operator approves
// it. Start a blank board first, then:
//
//   countersign board virtual          prints the name of a serial port
//   node docs/example.mjs PORT FIRMWARE

import { readFile } from 'node:fs/promises';
import {
  approve,
  classIdOf,
  createClient,
  deliver,
  encodeBootstrap,
  generateKey,
  join,
  openSerial,
  packageImage,
  provision,
  putApproval,
  readImage,
  reasonOf,
  splitEnvelope,
  vendorIdOf,
} from 'countersign';

const [port, firmware] = process.argv.slice(2);
if (!firmware) throw new Error('usage: node docs/example.mjs PORT FIRMWARE');
const now = Math.floor(Date.now() / 1000);

const vendor = generateKey('ed25519');
const operator = generateKey('ed25519');

// The vendor signs a package.
const image = { ...(await readImage(await readFile(firmware), firmware)), path: firmware };
const release = await packageImage(vendor, image, { vendor: 'example.com', class: 'virtual', sequence: 1n, now });
for (const warning of release.warnings) console.log(`warning: ${warning}`);
const file = join(release.parts);

// A blank device gets its identity, the keys that it trusts, and its policy.
const client = createClient(await openSerial(port));
const vendorId = vendorIdOf('example.com');
const anchors = [
  { role: 'vendor', key: vendor.public },
  { role: 'operator', key: operator.public },
];
const policy = { unapproved: 'reject', 'trial-boots': 0 };
const ids = { device: Uint8Array.of(1), vendorId, classId: classIdOf(vendorId, 'virtual') };
await provision(client, encodeBootstrap({ ...ids, anchors, policy, approvals: [] }));

async function offer() {
  const steps = deliver(client, { file });
  for (let step = await steps.next(); ; step = await steps.next()) if (step.done) return step.value;
}
const told = ({ kind, reason }) => (reason === undefined ? kind : `${kind}: ${reasonOf(reason).text}`);
console.log(`unapproved: ${told(await offer())}`);
const envelope = splitEnvelope(file, firmware);
const { document } = approve(operator, { envelope }, { previous: undefined, now });
await putApproval(client, document);
console.log(`approved: ${told(await offer())}`);
await client.close();
