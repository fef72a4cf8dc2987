// A value of the management tree as its format says; those of our own nodes that are CBOR, in words.

import { readJudgement } from '../core.js';
import type { STATE } from '../device/identity.js';
import type { NamedNode } from '../device/tree.js';
import { hex } from '../formats/bytes.js';
import { type Cbor, decode } from '../formats/cbor.js';
import { policyFromCbor } from '../formats/policy.js';
import { reasonData, toJson } from '../json.js';
import { reasonOf } from '../reasons.js';
import type { Alert } from '../smp/commands.js';

const STATE_TEXT: Record<(typeof STATE)[keyof typeof STATE], string> = {
  10: 'idle',
  20: 'download failed',
  30: 'download progressing',
  40: 'download complete',
  50: 'ready to update',
  60: 'update progressing',
  70: 'update failed, has data',
  80: 'update failed, no data',
  90: 'update successful, has data',
  100: 'update successful, no data',
};

/** "50 ready to update": a FUMO state (FUMO 1.0). */
export const stateText = (state: number): string =>
  `${state} ${STATE_TEXT[state as keyof typeof STATE_TEXT] ?? 'unknown state'}`;

const lastOf = (uri: string): string => uri.split('/').at(-1) ?? '';

type Value = string | number | boolean | string[] | Uint8Array;

/** The value in the type of its format; of an inner node, the names of its children. */
function nodeValue({ format, data }: NamedNode): Value {
  const text = new TextDecoder().decode(data);
  if (format === 'node') return text.split('/').filter(Boolean);
  if (format === 'int') return Number(text);
  if (format === 'bool') return text === 'true';
  return format === 'chr' ? text : data;
}

/** A node as a member of a document; `meaning`: what the bytes of a node of ours say. */
export const nodeData = (node: NamedNode) => ({
  uri: node.uri,
  format: node.format,
  value: nodeValue(node),
  meaning: meaningOf(node),
});

export function nodeText(node: NamedNode): string {
  const value = nodeValue(node);
  if (Array.isArray(value)) return value.map((child) => `${child}/`.replace(/\/$/, '')).join('  ');
  if (value instanceof Uint8Array) return binaryText(node);
  return lastOf(node.uri) === 'State' ? stateText(Number(value)) : String(value);
}

/** Decoded members of a binary node of ours; undefined: not of a form that this version knows, to be shown as bytes. */
function meaningOf({ uri, format, data }: NamedNode): object | undefined {
  if (format !== 'bin' || data.length === 0) return undefined;
  try {
    const value = decode(data, uri);
    const map = value instanceof Map ? value : new Map<Cbor, Cbor>();
    switch (lastOf(uri)) {
      case 'Policy':
        return policyFromCbor(value);
      case 'Anchors':
        return (value as Cbor[][]).map(([role, kid, name]) => ({ role: ROLES[Number(role)] ?? role, kid, name }));
      case 'Installed':
        return { sequence: BigInt(map.get(1) as number | bigint), digest: map.get(2), version: map.get(3) };
      case 'Verdict': {
        const { verdict, reason, row, manifestDigest: digest } = readJudgement(value);
        return { verdict, reason: reasonData(reason), row, digest };
      }
      default:
        return undefined;
    }
  } catch {
    return undefined;
  }
}

const ROLES = ['', 'vendor', 'operator', 'consenter'];

function binaryText(node: NamedNode): string {
  const { data } = node;
  const meaning = meaningOf(node);
  if (meaning !== undefined) return toJson(meaning);
  const shown = hex(data.subarray(0, 32));
  return data.length === 0 ? 'empty' : `${data.length} bytes ${shown}${data.length > 32 ? '…' : ''}`;
}

const OPERATIONS = ['none', 'download', 'update', 'downloadandupdate'];

/** OMA DM generic alert (1226): the final result of an order. */
export function alertText({ type = 0, uri, result, reason = 0, corr }: Alert): string {
  const { name, text } = reasonOf(reason);
  const order = corr === undefined ? 'unasked' : `correlator ${corr}`;
  return `alert: ${OPERATIONS[type] ?? type} of ${uri ?? '?'}: result ${result}, reason ${reason} ${name} (${text}), ${order}`;
}

export const alertData = ({ n, type = 0, uri, result, reason = 0, corr }: Alert) => ({
  number: n,
  operation: OPERATIONS[type] ?? String(type),
  uri,
  result,
  reason: reasonData(reason),
  correlator: corr,
});
