// One worked example of every document in docs/formats.md, made by the product's own code from fixed keys: the same bytes in
// every run. What only a device makes (question, verdict, log, node values) comes from the agent on the test board.

import { type Claims, signApproval } from '../../host/formats/approval.js';
import { claimsToYaml } from '../../host/formats/approval-yaml.js';
import { encodeBootstrap } from '../../host/formats/bootstrap.js';
import { classIdOf, fromHex, hex, vendorIdOf } from '../../host/formats/bytes.js';
import { decode } from '../../host/formats/cbor.js';
import { signChange } from '../../host/formats/change.js';
import { signConsent } from '../../host/formats/consent.js';
import { sign1 } from '../../host/formats/cose.js';
import { addBlock, splitEnvelope } from '../../host/formats/envelope.js';
import type { SigningKey } from '../../host/formats/keys.js';
import { buildPackage } from '../../host/formats/suit.js';
import { readSigningKey } from '../../host/keys/read.js';
import { exec, expectOk, get, knock, NODE, put, upload } from '../support/agent-world.js';
import { type Board, bench } from '../support/bench-hal.js';
import { ask, packet, type Request } from '../support/smp.js';
import { match, readCddl } from './cddl.js';
import { splitCode } from './markdown.js';
import { dump, readTree } from './tree.js';

const OURS = './FUMO/1/Ext/Countersign';
export const DEVICE = fromHex('00e1d2c3b4a59687');
export const VENDOR_ID = vendorIdOf('vendor.example');
export const CLASS_ID = classIdOf(VENDOR_ID, 'sensor');
const ISSUED = 1795428000; // 2026-11-23T10:00:00Z
const A_YEAR = 365 * 86_400;
const FIRMWARE = Uint8Array.from({ length: 64 }, (_, at) => at);

/** The Ed25519 key whose seed is this byte 32 times. */
const keyOf = (byte: number): Promise<SigningKey> =>
  readSigningKey(new Uint8Array(32).fill(byte), `seed ${byte}`, async () => '', 'seed');

/** What the board answers: the body's bytes. */
function answerOf(board: Board, request: Request): Uint8Array {
  board.takeSent(1);
  board.receive(1, packet(request));
  return board.takeSent(1).slice(8);
}

export interface Documents {
  /** By the rule of docs/formats.md that each follows. */
  bytes: Record<string, Uint8Array>;
  /** Of the package. */
  digest: Uint8Array;
  claims: Claims;
}

/** From a blank device to an installed package that its operator approved and its owner agreed to. */
export async function makeDocuments(): Promise<Documents> {
  const [vendor, operator, owner] = await Promise.all([keyOf(1), keyOf(2), keyOf(3)]);
  const bootstrap = encodeBootstrap({
    device: DEVICE,
    vendorId: VENDOR_ID,
    classId: CLASS_ID,
    anchors: [
      { role: 'vendor', key: vendor.public, name: 'Vendor' },
      { role: 'operator', key: operator.public, name: 'Operator' },
      { role: 'consenter', key: owner.public, name: 'Owner' },
    ],
    policy: { unapproved: 'prompt', 'consent-channels': ['local', 'remote'] },
    approvals: [],
  });
  const { envelope, digest } = buildPackage({
    image: FIRMWARE,
    vendorId: VENDOR_ID,
    classId: CLASS_ID,
    sequence: 5n,
    version: '1.0.0',
    name: 'Demo',
    key: vendor,
  });
  const several = buildPackage({
    ...{ image: FIRMWARE, others: [FIRMWARE.subarray(0, 16)] },
    ...{ vendorId: VENDOR_ID, classId: CLASS_ID, sequence: 6n, version: '1.1.0', name: 'Demo', key: vendor },
  });
  const claims: Claims = {
    issuer: 'Example Operator',
    issuedAt: ISSUED,
    expires: ISSUED + A_YEAR,
    id: fromHex('0011223344556677'),
    sequence: BigInt(ISSUED),
    entries: [
      { verdict: 'approve', digest, devices: [DEVICE], confirm: 'ask' },
      { verdict: 'deny', classId: CLASS_ID, range: [1n, 3n] },
    ],
  };
  const { suitDigest } = splitEnvelope(envelope, 'package');
  const countersignature = sign1(operator, suitDigest, { detached: true });
  const approval = signApproval(operator, claims);
  const change = signChange(operator, {
    sequence: BigInt(ISSUED + 600),
    issuedAt: ISSUED + 600,
    devices: [DEVICE],
    policy: { unapproved: 'reject', threshold: 1 },
  });

  const board = bench();
  expectOk(put(board, NODE.bootstrap, bootstrap));
  expectOk(put(board, NODE.approvals, approval));
  expectOk(upload(board, envelope));
  expectOk(exec(board, NODE.update, 'order-15'));
  const question = answerOf(board, { group: 64, id: 4 });
  const verdict = get(board, NODE.verdict);
  const asked = decode(question, 'question') as Map<string, Uint8Array>;
  const consent = signConsent(owner, { answer: 'yes', digest, device: DEVICE, nonce: asked.get('nonce')! });
  expectOk(ask(board, { group: 64, id: 4, write: true, body: { answer: consent } }));
  board.settle();
  knock(board);
  const { recs } = expectOk(ask(board, { group: 64, id: 5, body: { from: 3 } }));
  const policy = get(board, NODE.policy);
  return {
    digest,
    claims,
    bytes: {
      bootstrap,
      policy: Uint8Array.from(policy),
      approval,
      package: addBlock(splitEnvelope(envelope, 'package'), countersignature, 'package'),
      'several-package': several.envelope,
      change,
      question,
      consent,
      'verdict-record': Uint8Array.from(verdict),
      'log-record': Uint8Array.from((recs as Uint8Array[])[0]!),
      installed: Uint8Array.from(get(board, `${OURS}/Installed`)),
      'anchor-list': Uint8Array.from(get(board, NODE.anchors)),
      'change-number': Uint8Array.from(get(board, NODE.change)),
    },
  };
}

/** The rules that a page states in its CDDL blocks, together. */
export const rulesOf = (page: string) =>
  readCddl(
    splitCode(page)
      .blocks.filter(({ language }) => language === 'cddl')
      .map(({ text }) => text)
      .join('\n'),
  );

/** A dump of each document, with the remarks of the page's own CDDL. */
export function documentParts(page: string, { bytes, claims }: Documents): Record<string, string> {
  const rules = rulesOf(page);
  const dumps = Object.fromEntries(
    Object.entries(bytes).map(([rule, document]) => {
      const item = match(rules, rule, document);
      if (!item) throw new Error(`the example of ${rule} is not what its CDDL says: ${hex(document)}`);
      return [rule, `${document.length} bytes:\n\n\`\`\`text\n${dump(item)}\n\`\`\``];
    }),
  );
  return { ...dumps, 'approval-yaml': `\`\`\`yaml\n${claimsToYaml(claims)}\`\`\`` };
}

/** Keys and ids of the examples, for whoever wants to make them again. */
export async function keysPart(): Promise<string> {
  const rows = await Promise.all(
    (['vendor', 'operator', 'consenter'] as const).map(async (role, at) => {
      const { bytes, kid } = (await keyOf(at + 1)).public;
      return `| ${role} | 32 bytes \`0${at + 1}\` | \`${hex(bytes)}\` | \`${hex(kid)}\` |`;
    }),
  );
  return ['| role | seed | public key | key id |', '|---|---|---|---|', ...rows].join('\n');
}

/** One exchange in full: the state of the device, as packets and as console lines. */
export function exchangePart(): string {
  const board = bench();
  const wire = packet({ group: 64, id: 0, body: { uri: './FUMO/1/State' } });
  board.takeSent(1);
  board.receive(1, wire);
  const answer = Uint8Array.from(board.takeSent(1));
  const shown = (bytes: Uint8Array) =>
    `${hex(bytes.subarray(0, 8)).padEnd(44)} # header\n${dump(readTree(bytes.slice(8)))}`;
  return `Request:

\`\`\`text
${shown(wire)}
\`\`\`

Response:

\`\`\`text
${shown(answer)}
\`\`\``;
}
