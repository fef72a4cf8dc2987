// What is said to an agent that has an instruction left out (path.ts): an image is installed and runs; then, behind the mark, somebody
// does all to have another one run that must not, and resets the board again and again.

import {
  APPROVED,
  approvalOf,
  bootstrapDocument,
  consenter,
  DENIED,
  NODE,
  operator,
  packageOf,
  vendor,
} from '../support/agent-world.js';
import {
  type ApprovalOptions,
  CLASS_ID,
  cbor,
  makeBootstrap,
  makeConsent,
  makeKey,
  NOW,
  type Package,
  type PolicyOptions,
  ROLE,
  sha256,
  sign1,
} from '../support/make.js';
import { frame, packet, type Request } from '../support/smp.js';
import { by, forged } from './modules.js';

const SHA_256 = -16;
const PIECE_BYTES = 256; // that the micro:bit keeps of what its UART receives
const DATA_BYTES = 300; // of a request
/** Where the slots and the store stand: offset and pages of 1024 bytes; machine.h has PAGES. */
export const FLASH = { PRIMARY: [0x10000, 8], SECONDARY: [0x12000, 9], STATE: [0x14400, 12] } as const;
const REJECT = 0;
const PROMPT = 1;
const YES = 1;
const NO = 2;
const SIGNED = 2; // Channel

type Event =
  | { kind: 'BYTES'; bytes: Uint8Array }
  | { kind: 'WAIT' | 'PRESS'; count: number }
  | { kind: 'RESET' | 'MARK' | 'FINISH' };

const ask = (request: Request): Event[] => {
  const line = frame(packet(request));
  return Array.from({ length: Math.ceil(line.length / PIECE_BYTES) }, (_, i) => ({
    kind: 'BYTES',
    bytes: line.slice(i * PIECE_BYTES, (i + 1) * PIECE_BYTES),
  }));
};
const pieces = (data: Uint8Array, request: (off: number, data: Uint8Array) => Request): Event[] =>
  Array.from({ length: Math.ceil(data.length / DATA_BYTES) }, (_, i) =>
    ask(request(i * DATA_BYTES, data.slice(i * DATA_BYTES, (i + 1) * DATA_BYTES))),
  ).flat();
const put = (uri: string, data: Uint8Array): Event[] =>
  pieces(data, (off, part) => ({
    ...{ group: 64, id: 1, write: true },
    body: { uri, off, ...(off === 0 ? { len: data.length } : {}), data: part },
  }));
const upload = ({ bytes }: Package): Event[] =>
  pieces(bytes, (off, part) => ({
    ...{ group: 1, id: 1, write: true },
    body: { off, ...(off === 0 ? { len: bytes.length, image: 0, sha: sha256(bytes) } : {}), data: part },
  }));
const order = (uri: string): Event[] => ask({ group: 64, id: 3, write: true, body: { uri } });
const wait = (count: number): Event => ({ kind: 'WAIT', count });
const mark: Event = { kind: 'MARK' };

/** A program that says that it works and resets the board: what an application does to be kept, and no more. */
function imageOf(name: string): Uint8Array {
  const [mailbox, message] = [0x20003fe0, 0x6d626f02];
  const [aircr, reset] = [0xe000ed0c, 0x05fa0004];
  const words = new Uint32Array(40);
  words.set([mailbox, FLASH.PRIMARY[0] + 9, 0, 0, 0, 0, 0, mailbox, ~message, message, aircr, reset]);
  //                          ldr r0  ldr r1  str     ldr r1  str     ldr r0  ldr r1  str     b .
  new Uint16Array(words.buffer, 8).set([0x4804, 0x4905, 0x6041, 0x4905, 0x6001, 0x4805, 0x4905, 0x6001, 0xe7fe]);
  const image = new Uint8Array(words.buffer);
  image.set(new TextEncoder().encode(name), 48);
  return image;
}

const packageBy = (sequence: number, name: string, spoil: (signature: Uint8Array) => Uint8Array): Package => {
  const image = imageOf(name);
  const { digest } = packageOf(sequence, { image });
  const block = sign1({ key: vendor, payload: cbor([SHA_256, digest]), detached: true, spoil });
  return packageOf(sequence, { image, signers: [block] });
};
const runs = packageBy(1, 'what runs', by(vendor));
const wanted = packageBy(2, 'what somebody wants to run', by(vendor));
const spoilt = packageBy(2, 'what somebody wants to run', forged);

const approval = (of: Package, sequence: number, verdict = APPROVED, more: Partial<ApprovalOptions> = {}) =>
  put(NODE.approvals, approvalOf(of.digest, sequence, verdict, { spoil: by(operator), ...more }));
const installed = (policy: PolicyOptions): Event[] => [
  ...put(NODE.bootstrap, bootstrapDocument(policy)),
  ...approval(runs, 1),
  ...upload(runs),
  ...order(NODE.update),
  wait(24),
];
const resets: Event[] = [wait(24), { kind: 'RESET' }, wait(14), { kind: 'RESET' }, wait(14), { kind: 'FINISH' }];
const attack = (of: Package): Event[] => [mark, ...upload(of), ...order(NODE.update), ...resets];
/** Where nobody answers what is asked, with this approval data in the device. */
const unanswered = (sequence: number, more: Partial<ApprovalOptions>): Event[] => [
  ...installed({ unapproved: PROMPT }),
  ...approval(wanted, sequence, APPROVED, more),
  ...attack(wanted),
];
const verdict = APPROVED;
const digest = wanted.digest;
const second = makeKey('ed25519', 'second operator');
const yesToEarlier = makeConsent({
  ...{ key: consenter, answer: YES, digest, nonce: new Uint8Array(16).fill(7) },
  spoil: by(consenter),
});
const twoOperators = makeBootstrap({
  anchors: [
    { role: ROLE.vendor, key: vendor },
    { role: ROLE.operator, key: operator },
    { role: ROLE.operator, key: second },
  ],
  policy: { unapproved: PROMPT, threshold: 2 },
});

/** What the board of device.c draws as its number `index` of so many bytes: once at each start, and after each question. */
function drawn(index: number, bytes: number): Uint8Array {
  let chance = 0;
  const all = Array.from({ length: (index + 1) * bytes }, () => {
    chance = (Math.imul(chance, 75) + 74) >>> 0;
    return chance;
  });
  return Uint8Array.from(all.slice(index * bytes));
}
/** To the question about what is wanted, in a board that has installed what runs: its third start. */
const yesOfNobody = makeConsent({ key: consenter, answer: YES, digest, nonce: drawn(2, 16), spoil: forged });

/** From a blank board on; what comes behind the mark has instructions left out. */
export const CONVERSATIONS: Record<string, Event[]> = {
  unapproved: [...installed({ unapproved: REJECT }), ...attack(wanted)],
  forged: [...installed({ unapproved: REJECT }), ...approval(spoilt, 2), ...attack(spoilt)],
  denied: [...installed({ unapproved: REJECT }), ...approval(wanted, 2, DENIED), ...attack(wanted)],
  // Approved when it was downloaded, denied when it is to be installed.
  withdrawn: [
    ...installed({ unapproved: REJECT }),
    ...approval(wanted, 2),
    ...upload(wanted),
    ...approval(wanted, 3, DENIED),
    mark,
    ...order(NODE.update),
    ...resets,
  ],
  // The same, with the settings before the denial still in the other bank, and a reset before the order.
  outdated: [
    ...installed({ unapproved: REJECT }),
    ...approval(wanted, 2),
    ...upload(wanted),
    { kind: 'RESET' },
    ...approval(wanted, 3, DENIED),
    mark,
    { kind: 'RESET' },
    ...order(NODE.update),
    ...resets,
  ],
  // The person at the device says no, and somebody asks again.
  refused: [
    ...installed({ unapproved: PROMPT }),
    ...upload(wanted),
    mark,
    ...order(NODE.update),
    wait(4),
    { kind: 'PRESS', count: NO },
    wait(2),
    ...order(NODE.update),
    ...resets,
  ],
  // Approvals that are nearly, but not, for this package on this device.
  other: unanswered(2, {
    entries: [
      { verdict, digest: runs.digest },
      { verdict, classId: CLASS_ID, range: [1, 1] },
      { verdict, vendorKid: operator.kid! },
      { verdict, digest, devices: [new TextEncoder().encode('another device')] },
    ],
  }),
  // For this one, but not any more. (Not yet is no scenario: what a device without a clock takes for the time is one number.)
  lapsed: unanswered(2, { expires: NOW - 1 }),
  // One operator of the two that policy asks for.
  few: [
    ...put(NODE.bootstrap, twoOperators),
    ...approval(runs, 1),
    ...approval(runs, 1, APPROVED, { key: second, spoil: by(second) }),
    ...upload(runs),
    ...order(NODE.update),
    wait(24),
    ...approval(wanted, 2),
    ...attack(wanted),
  ],
  // A consenter's yes to an earlier question.
  stale: [
    ...installed({ unapproved: PROMPT, channels: SIGNED }),
    ...upload(wanted),
    ...order(NODE.update),
    mark,
    ...ask({ group: 64, id: 4, write: true, body: { answer: yesToEarlier } }),
    ...resets,
  ],
  // A yes to this question that is signed by nobody.
  nobody: [
    ...installed({ unapproved: PROMPT, channels: SIGNED }),
    ...upload(wanted),
    ...order(NODE.update),
    mark,
    ...ask({ group: 64, id: 4, write: true, body: { answer: yesOfNobody } }),
    ...resets,
  ],
  // The operator wants a person to be asked, and nobody answers.
  confirm: [
    ...installed({ unapproved: REJECT }),
    ...approval(wanted, 2, APPROVED, { entries: [{ verdict, digest, confirm: 1 }] }),
    ...attack(wanted),
  ],
};
/** It has to be installed as it is: that all of this works. */
export const SOUND: Event[] = [...installed({ unapproved: REJECT }), ...approval(wanted, 2), ...attack(wanted)];

/** As C: the arrays that device.c plays, in the order of CONVERSATIONS, SOUND behind them. */
export function script(): string {
  const all = [...Object.values(CONVERSATIONS), SOUND];
  const bytes = (of: Uint8Array) => [...of].join(',');
  const events = (of: Event[], name: string) =>
    of.map((event, i) => {
      if (event.kind === 'BYTES') return `{BYTES, ${event.bytes.length}, ${name}_${i}}`;
      return `{${event.kind}, ${'count' in event ? event.count : 0}, 0}`;
    });
  return [
    `const uint8_t image_that_runs[] = {${bytes(runs.image)}};`,
    ...all.flatMap((of, number) => [
      ...of.flatMap((event, i) =>
        event.kind === 'BYTES' ? [`SCRIPT static const uint8_t c${number}_${i}[] = {${bytes(event.bytes)}};`] : [],
      ),
      `SCRIPT static const struct event c${number}[] = {${events(of, `c${number}`).join(',\n')}};`,
    ]),
    `static const struct event *const scripts[] = {${all.map((_, number) => `c${number}`)}};`,
    '',
  ].join('\n');
}
