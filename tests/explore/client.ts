// What peers of the explored device say to it: SMP over two links, and the console's typed words. Also the outside of an
// upload: which session there is, and over which lines its bytes came.

import { encode } from 'cborg';
import { type Body, frame } from '../support/smp.js';
import { pulling } from './sight.js';
import type { Watch } from './watch.js';
import { answerIn, wireOf } from './wires.js';
import { type Name, OFFERS, type OfferName } from './world.js';

const PIECE = 400;
const PACKETS_MAX = 40;
const STALLS_MAX = 2;
const UPDATING = 60;
const BLOCK = 512; // assembly/update/pull.ts
const BLOCKS_MAX = 20;

export const refused = (answer: Body | undefined): boolean =>
  answer === undefined || answer.err !== undefined || (typeof answer.rc === 'number' && answer.rc !== 0);

/** One exchange; undefined: silence. */
export function ask(
  { device }: Watch,
  link: number,
  group: number,
  id: number,
  body: Body,
  write = true,
): Body | undefined {
  device.sent.length = 0;
  device.receive(link, wireOf(link, group, id, body, write));
  return answerIn(device.sent, link);
}

export const exec = (watch: Watch, link: number, node: string) => ask(watch, link, 64, 3, { uri: `./FUMO/1/${node}` });

/** A value of the tree, in as many pieces as it takes. */
export function put(watch: Watch, node: string, data: Uint8Array, link = 1): Body | undefined {
  const uri = `./FUMO/1/Ext/Countersign/${node}`;
  let answer: Body | undefined;
  for (let off = 0; off < data.length; off = answer!.off as number) {
    const length = off === 0 ? { len: data.length } : {};
    answer = ask(watch, link, 64, 1, { uri, off, ...length, data: data.subarray(off, off + PIECE) });
    if (refused(answer)) return answer;
  }
  return answer;
}

// The first packet of an upload: begins a session, goes on with the one there is, or with what is in flash.
function open(
  watch: Watch,
  link: number,
  name: string,
  file: Uint8Array,
  sha: Uint8Array | undefined,
  data: Uint8Array,
) {
  const { device, ghost } = watch;
  const was = { upload: ghost.upload, lines: device.lines, offset: watch.before?.offset ?? 0 };
  const same = Boolean(watch.before?.active) && !watch.before?.fetched && was.upload === name && sha !== undefined;
  ghost.upload = name;
  device.lines = same ? was.lines | (1 << link) : 1 << link;
  const body = { off: 0, len: file.length, ...(sha ? { sha } : {}), data };
  const answer = ask(watch, link, 1, 1, body);
  const now = watch.before;
  if (now?.state === UPDATING) {
    ghost.upload = was.upload;
    device.lines = was.lines;
  } else if (same && (now?.offset ?? 0) < was.offset) device.lines = 1 << link;
  else if (same && now?.offset === was.offset) device.lines = was.lines;
  else if (!same && (now?.offset ?? 0) > data.length) device.lines = 0; // resumed: the pages in flash know their lines
  return answer;
}

function more(watch: Watch, link: number, file: Uint8Array, off: number): Body | undefined {
  const { device } = watch;
  const was = { lines: device.lines, offset: watch.before?.offset };
  device.lines |= 1 << link;
  const answer = ask(watch, link, 1, 1, { off, data: file.subarray(off, off + PIECE) });
  if (watch.before?.offset === was.offset) device.lines = was.lines;
  return answer;
}

/** Uploads until `until` bytes are there or the device refuses. */
export function upload(watch: Watch, link: number, name: OfferName, until?: number): void {
  const { bytes, file } = OFFERS[name];
  const end = until ?? bytes.length;
  let answer = open(watch, link, name, bytes, file, bytes.subarray(0, Math.min(PIECE, end)));
  for (let i = 0, stalls = 0; i < PACKETS_MAX && !refused(answer); i++) {
    const off = answer!.off as number;
    if (off >= end || (i > 0 && watch.before?.active !== true)) return;
    answer = more(watch, link, bytes.subarray(0, end), off);
    // A packet that only wakes a verdict is said again; one that is dropped for ever is not.
    if (!refused(answer) && answer!.off === off && ++stalls > STALLS_MAX) return;
  }
}

/** Somebody goes on where another one began. False: there is nothing to go on with. */
export function goOn(watch: Watch, link: number, name: OfferName): boolean {
  if (!watch.before?.active || watch.ghost.upload !== name) return false;
  const { bytes } = OFFERS[name];
  for (let i = 0; i < PACKETS_MAX && watch.before?.active; i++) {
    const off = watch.before.offset;
    if (off >= bytes.length || refused(more(watch, link, bytes, off)) || watch.before.offset === off) return true;
  }
  return true;
}

const JUNK = new Uint8Array(50_000).fill(0xd8, 0, 1);

/** A session of something that is no package. */
export function junk(watch: Watch, link: number): void {
  open(watch, link, 'junk', JUNK, undefined, JUNK.subarray(0, 1));
}

/** An order for a package that the device is to fetch over that link. */
export const order = (watch: Watch, link: number, name: Name) =>
  ask(watch, link, 64, 3, { uri: './FUMO/1/DownloadAndUpdate', hash: OFFERS[name].digest });

/**
 * Gives the device the blocks that it waits for on a link, at most so many, out of any package; `headOnly`: up to where it
 * asks for several at a time. False: it waits for none.
 */
export function serve(
  watch: Watch,
  link: number,
  name: Name,
  { most = BLOCKS_MAX, headOnly = false }: { most?: number; headOnly?: boolean } = {},
): boolean {
  const { device } = watch;
  let given = 0;
  for (; given < most && device.running === 'agent'; given++) {
    device.tick(1);
    const { line, asked, session, asLine, from } = pulling(device);
    const at = session ? (watch.before?.offset ?? 0) : 0;
    const off = asLine ? from + Math.floor((at - from) / BLOCK) * BLOCK : Math.floor(at / BLOCK) * BLOCK;
    if (headOnly && asLine) break;
    if (line !== link + 1 || off < 0 || off >= asked || off >= OFFERS[name].bytes.length) break;
    const was = watch.before?.offset;
    block(watch, link, name, off);
    if (watch.before?.active && watch.before.offset === was) break; // it is none that the device can use
  }
  return given > 0;
}

/** The nth block of what the device asked for last, whatever else has come of it. False: it asks for none such. */
export function serveOne(watch: Watch, link: number, name: Name, n: number): boolean {
  watch.device.tick(1);
  const { line, asked, session, asLine, from } = pulling(watch.device);
  const off = from + n * BLOCK;
  if (!asLine || !session || line !== link + 1 || off >= Math.min(asked, OFFERS[name].bytes.length)) return false;
  block(watch, link, name, off);
  return true;
}

/** Who pushes a package has all of it ready to be asked for. */
export const offerBlocks = (watch: Watch, link: number, name: Name) =>
  ask(watch, link, 64, 7, { hash: OFFERS[name].digest, len: OFFERS[name].bytes.length });

function block(watch: Watch, link: number, name: Name, off: number): void {
  const { device, ghost, before } = watch;
  const { bytes } = OFFERS[name];
  const end = pulling(device).asLine ? pulling(device).asked : bytes.length;
  const was = {
    upload: ghost.upload,
    lines: device.lines,
    offset: before?.offset,
    fetched: before?.fetched,
  };
  const opens = !was.fetched || was.offset === 0;
  if (opens) ghost.upload = name;
  watch.gives = 1 << link;
  device.lines = opens ? watch.gives : was.lines | watch.gives;
  const body = encode({ off, len: bytes.length, data: bytes.subarray(off, Math.min(off + BLOCK, end)) });
  const wire = Buffer.concat([Buffer.from([0x09, 0, body.length >> 8, body.length & 255, 0, 64, 0, 7]), body]);
  device.receive(link, link === 0 ? frame(wire) : wire);
  watch.gives = 0;
  const now = watch.before;
  if (opens && (now?.offset ?? 0) > BLOCK)
    device.lines = 0; // resumed: the pages in flash know their lines
  else if (now?.offset === was.offset && now?.fetched === was.fetched) {
    ghost.upload = was.upload;
    device.lines = was.lines;
  }
}
