// Packets on their way to the explored device and back. The same ones come again and again, so each is made and read once.

import { type Body, frame, packet, response, unframe } from '../support/smp.js';

const KEPT_MAX = 20_000;
const wires = new Map<string, Uint8Array>();
const answers = new Map<string, Body | undefined>();

function kept<T>(map: Map<string, T>, key: string, make: () => T): T {
  if (map.has(key)) return map.get(key) as T;
  if (map.size >= KEPT_MAX) map.clear();
  const made = make();
  map.set(key, made);
  return made;
}

const latin1 = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');

/** A request as it goes over a link: the console's frame, or the packet itself. */
export function wireOf(link: number, group: number, id: number, body: Body, write: boolean): Uint8Array {
  let key = `${link} ${group} ${id} ${write}`;
  for (const name in body) {
    const value = body[name];
    key +=
      value instanceof Uint8Array ? ` ${name}=${value.length}:${latin1(value)}` : ` ${name}=${typeof value}:${value}`;
  }
  return kept(wires, key, () => {
    const wire = packet({ group, id, write, body });
    return link === 0 ? frame(wire) : wire;
  });
}

/** The last answer in what the device sent; not to be changed. Undefined: silence. */
export function answerIn(
  sent: readonly (readonly [link: number, bytes: Uint8Array])[],
  link: number,
): Body | undefined {
  let key = `${link}`;
  for (const [to, bytes] of sent) if (to === link) key += `:${bytes.length} ${latin1(bytes)}`;
  return kept(answers, key, () => {
    const mine = sent.filter(([to]) => to === link).map(([, bytes]) => bytes);
    const answer = link === 0 ? unframe(Buffer.concat(mine)).packets.at(-1) : mine.at(-1);
    return answer && answer.length >= 8 ? response(answer).body : undefined;
  });
}
