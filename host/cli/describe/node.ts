// A value of the management tree as its format says; those of our own nodes that are CBOR, in words.

import { readJudgement } from '../../core.js';
import { STATE } from '../../device/identity.js';
import { childrenOf, type NamedNode } from '../../device/tree.js';
import { hex } from '../../formats/bytes.js';
import { type Cbor, decode } from '../../formats/cbor.js';
import { policyFromCbor } from '../../formats/policy.js';
import { reasonOf } from '../../reasons.js';
import type { Alert } from '../../smp/commands.js';
import { toJson } from '../json.js';

const STATE_TEXT: Record<number, string> = {
  [STATE.idle]: 'idle',
  [STATE.downloadFailed]: 'download failed',
  [STATE.downloading]: 'download progressing',
  [STATE.downloaded]: 'download complete',
  [STATE.ready]: 'ready to update',
  [STATE.updating]: 'update progressing',
  [STATE.failedHaveData]: 'update failed, has data',
  [STATE.failedNoData]: 'update failed, no data',
  [STATE.successHaveData]: 'update successful, has data',
  [STATE.successNoData]: 'update successful, no data',
};

export const stateText = (state: number): string => `${state} ${STATE_TEXT[state] ?? 'unknown state'}`;

const lastOf = (uri: string): string => uri.split('/').at(-1) ?? '';

/** For --json: the value in the type of its format. */
export function nodeValue(node: NamedNode): unknown {
  const { format, data } = node;
  const text = new TextDecoder().decode(data);
  if (format === 'node') return childrenOf(node);
  if (format === 'int') return Number(text);
  if (format === 'bool') return text === 'true';
  return format === 'chr' ? text : data;
}

export function nodeText(node: NamedNode): string {
  const value = nodeValue(node);
  if (node.format === 'node') return (value as string[]).map((child) => `${child}/`.replace(/\/$/, '')).join('  ');
  if (node.format === 'bin') return binaryText(node);
  return lastOf(node.uri) === 'State' ? stateText(Number(value)) : String(value);
}

/** Decoded members of a binary node of ours, or undefined. */
export function nodeMeaning({ uri, data }: NamedNode): unknown {
  if (data.length === 0) return undefined;
  try {
    const value = decode(data, uri);
    switch (lastOf(uri)) {
      case 'Policy':
        return policyFromCbor(value);
      case 'Anchors':
        return anchorsOf(value);
      case 'Installed': {
        const map = value as Map<Cbor, Cbor>;
        return { sequence: map.get(1), digest: map.get(2), version: map.get(3) };
      }
      case 'Verdict': {
        const { verdict, reason, row, manifestDigest: digest } = readJudgement(value);
        return { verdict, reason: reasonOf(reason).name, row, digest };
      }
      default:
        return undefined;
    }
  } catch {
    return undefined; // not of the form that this version knows: shown as bytes
  }
}

const ROLE_WORDS = ['', 'vendor', 'operator', 'consenter'];

function anchorsOf(value: Cbor): unknown {
  if (!Array.isArray(value)) return undefined;
  return value.map((row) => {
    const [role, kid, name] = row as Cbor[];
    return { role: ROLE_WORDS[Number(role)] ?? role, kid, name };
  });
}

function binaryText(node: NamedNode): string {
  const { data } = node;
  const meaning = nodeMeaning(node);
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

export function alertData({ n, type = 0, uri, result, reason = 0, corr }: Alert): Record<string, unknown> {
  const { code, name } = reasonOf(reason);
  return { number: n, operation: OPERATIONS[type] ?? type, uri, result, reason: { code, name }, correlator: corr };
}
