// Devices whose operators change, and the few questions that tests put to them.
import { decode } from 'cborg';
import { reasons } from '../../host/reasons.js';
import { consenter, expectOk, failed, get, NODE, operator, packageOf, put, upload, vendor } from './agent-world.js';
import { type Board, bench } from './bench-hal.js';
import {
  type BootstrapOptions,
  type ChangeOptions,
  makeApproval,
  makeBootstrap,
  makeChange,
  makeKey,
  type PolicyOptions,
  ROLE,
  type TestKey,
} from './make.js';

type Anchors = BootstrapOptions['anchors'];
export const second = makeKey('p256', 'second');
export const anchorsOf = (...operators: TestKey[]): Anchors => [
  { role: ROLE.vendor, key: vendor },
  ...operators.map((key) => ({ role: ROLE.operator, key })),
  { role: ROLE.consenter, key: consenter },
];
export const deviceOf = (anchors: Anchors = anchorsOf(operator), policy: PolicyOptions = {}) => {
  const board = bench();
  expectOk(put(board, NODE.bootstrap, makeBootstrap({ anchors, policy })));
  return board;
};
export const give = (board: Board, options: Partial<ChangeOptions>) =>
  put(board, NODE.change, makeChange({ signers: [operator], ...options }));
export const refusal = (body: ReturnType<typeof put>) => {
  const rc = failed(body)?.rc ?? 0;
  return Object.entries(reasons).find(([, row]) => row.code === rc)?.[0];
};
export const kids = (board: Board) =>
  (decode(get(board, NODE.anchors)) as [number, Uint8Array][]).map(([, kid]) => Buffer.from(kid).toString());
export const lastChange = (board: Board) =>
  (decode(get(board, NODE.change), { useMaps: true }) as Map<number, number>).get(1);
export const by = (key: TestKey, digest: Uint8Array, sequence: number, verdict = 1) =>
  makeApproval({ key, sequence, entries: [{ verdict, digest }] });
export const offered = (board: Board, wanted = packageOf(1)) => refusal(upload(board, wanted.bytes));
