// The management tree in words: a value as its format says, those of our own nodes that are CBOR decoded, how an order ended,
// and what is seen of a device while it is watched.

import { readJudgement } from '../core.js';
import type { STATE } from '../device/identity.js';
import type { NamedNode, OrderEnd } from '../device/tree.js';
import type { Sighting } from '../device/watch.js';
import { hex } from '../formats/bytes.js';
import { type Cbor, decode, wholeNumber } from '../formats/cbor.js';
import { policyFromCbor } from '../formats/policy.js';
import type { ReasonData } from '../formats/reason-schema.js';
import { reasonData, toJson } from '../json.js';
import { reasonOf, reasons } from '../reasons.js';
import type { Alert } from '../smp/commands.js';
import type { Described } from './words.js';

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
        return { sequence: wholeNumber(map.get(1)), digest: map.get(2), version: map.get(3) };
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

/** One node by its value alone, several with their URIs and formats. */
export const nodeLines = (nodes: readonly NamedNode[]): string[] =>
  nodes.map((node) =>
    nodes.length === 1 ? nodeText(node) : `${node.uri.padEnd(46)} ${node.format.padEnd(4)} ${nodeText(node)}`,
  );

/** Nodes that were read. */
export const nodesRead = (nodes: readonly NamedNode[]): Described => ({
  data: { nodes: nodes.map(nodeData) },
  lines: nodeLines(nodes),
});

/** A value that was written, and whether it was read back the same; undefined: it would be written. */
export function nodeWritten(uri: string, bytes: number, done: { confirmed: boolean } | undefined): Described {
  const data = { uri, written: done !== undefined, bytes };
  if (!done) return { data, lines: [`would write ${bytes} bytes to ${uri}`] };
  const check = done.confirmed ? 'read back, the same' : 'the node cannot be read back';
  return { data: { ...data, ...done }, lines: [`${uri}: ${bytes} bytes written; ${check}`] };
}

/** An order that nobody follows. */
export const orderGiven = (uri: string, correlator: string, dryRun: boolean): Described =>
  dryRun
    ? { data: { uri, correlator, ordered: false }, lines: [`would order ${uri}, correlator ${correlator}`] }
    : { data: { uri, correlator, result: 'ordered' }, lines: [`${uri}: ordered, correlator ${correlator}`] };

/** How an order ended: its name for programs, the exit code of the reason behind it, and a sentence. */
export function orderText(end: OrderEnd): { result: string; exit: number; line: string; data?: object } {
  const result = end.kind;
  switch (end.kind) {
    case 'alert': {
      const { exit } = reasonOf(end.alert.reason ?? reasons.Internal.code);
      return { result, exit, line: alertText(end.alert), data: { alert: alertData(end.alert) } };
    }
    case 'deferred':
      return { result, exit: reasons.Deferred.exit, line: 'deferred: nobody answered the device in time' };
    case 'asked': {
      const { left } = end;
      const line = `waiting: the device still asks its user, for another ${left} s`;
      return { result, exit: reasons.AwaitingUser.exit, line, data: { left } };
    }
    default:
      return end satisfies never;
  }
}

/** What is seen, as members of a document and as a line; a node whose line is the same as before is left out. */
export async function* sightings(
  seen: AsyncIterable<Sighting>,
): AsyncGenerator<'ready' | { data: Record<string, unknown>; line: string }, void, undefined> {
  const told = new Map<string, string>();
  for await (const sighting of seen) {
    if (sighting.kind === 'ready') {
      yield 'ready';
      continue;
    }
    const shown = sightingText(sighting);
    if (sighting.kind === 'node') {
      if (told.get(sighting.node.uri) === shown.line) continue;
      told.set(sighting.node.uri, shown.line);
    }
    yield shown;
  }
}

function sightingText(sighting: Exclude<Sighting, { kind: 'ready' }>): { data: Record<string, unknown>; line: string } {
  switch (sighting.kind) {
    case 'state': {
      const data = { state: sighting.state, reason: reasonData(sighting.reason) };
      const told = Object.entries(data).filter(([key]) => key !== 'reason' || sighting.reason !== 0);
      return { data, line: told.map(memberText).join(', ') };
    }
    case 'alert':
      return { data: { alert: alertData(sighting.alert) }, line: alertText(sighting.alert) };
    case 'retained':
      return { data: sighting.changed, line: Object.entries(sighting.changed).map(memberText).join(', ') };
    case 'node': {
      const { node } = sighting;
      return { data: nodeData(node), line: `${node.uri} ${nodeText(node)}` };
    }
    default:
      return sighting satisfies never;
  }
}

function memberText([key, value]: [string, unknown]): string {
  if (key === 'state') return `state ${stateText(Number(value))}`;
  if (key !== 'reason') return `${key} ${value}`;
  const { code, name } = value as ReasonData;
  return `reason ${code} ${name}`;
}
