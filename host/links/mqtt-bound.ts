// A bound for what a broker sends: mqtt.js keeps a whole message in memory before anybody sees it, and MQTT allows 256 MiB.
//
// A message that is longer than BYTES_MAX is cut to that, on its way to the parser: whoever reads it refuses it by its length,
// it is acknowledged like any other, and what comes behind it is heard. (To hang up would let one giant retained message
// keep a fleet from its broker.) Any other packet of that length is none, and ends the connection.

import { type Duplex, Transform, type TransformCallback } from 'node:stream';
import type { MqttClient } from 'mqtt';

/** The longest topic, and the largest message that anybody here takes, many times over: a cut never falls into a topic. */
export const MESSAGE_BYTES_MAX = 128 * 1024;

const PUBLISH = 3; // MQTT 3.1.1 section 2.2.1: the type is in the upper half of the first byte
const LENGTH_BYTES_MAX = 4; // section 2.2.3

// What needs no cut is handed on in as few pieces as it came in: the parser has its price for each.
function cutLongMessages(): Transform {
  let head: number[] = []; // of a packet, until its length is known
  let pass = 0; // bytes of the packet that are still handed on
  let skip = 0; // and then dropped
  return new Transform({
    transform(chunk: Buffer, _, done: TransformCallback) {
      let from = 0; // all before it is handed on, or dropped
      let began = 0; // where the head began, if it did in this chunk
      const handOn = (to: number) => {
        if (to > from) this.push(chunk.subarray(from, to));
      };
      for (let at = 0; at < chunk.length; ) {
        if (pass > 0) {
          const bytes = Math.min(pass, chunk.length - at);
          pass -= bytes;
          at += bytes;
        } else if (skip > 0) {
          handOn(at);
          const bytes = Math.min(skip, chunk.length - at);
          skip -= bytes;
          at += bytes;
          from = at;
        } else {
          if (head.length === 0) began = at;
          head.push(chunk[at++]!);
          const length = lengthIn(head);
          if (length === 'more') continue;
          if (length === 'none' || (length > MESSAGE_BYTES_MAX && head[0]! >> 4 !== PUBLISH)) {
            handOn(began); // what came before was good
            return done(new Error('what the broker sends is no MQTT'));
          }
          pass = Math.min(length, MESSAGE_BYTES_MAX);
          skip = length - pass;
          if (skip > 0 || head.length > at - began) {
            handOn(began);
            this.push(Buffer.from([head[0]!, ...encodeLength(pass)]));
            from = at;
          }
          head = [];
        }
      }
      handOn(head.length > 0 ? began : chunk.length);
      done();
    },
  });
}

function lengthIn(head: readonly number[]): number | 'more' | 'none' {
  const last = head.length - 1;
  if (last === 0) return 'more';
  if (head[last]! >= 0x80) return last < LENGTH_BYTES_MAX ? 'more' : 'none';
  let length = 0;
  for (let at = last; at > 0; at--) length = length * 0x80 + (head[at]! & 0x7f);
  return length;
}

function encodeLength(length: number): number[] {
  const rest = Math.floor(length / 0x80);
  return rest > 0 ? [(length & 0x7f) | 0x80, ...encodeLength(rest)] : [length];
}

/** Puts that between the broker and the parser of a client that is not connected yet. */
export function boundMessages(client: MqttClient): void {
  const built = client as unknown as { streamBuilder(client: MqttClient): Duplex };
  const build = built.streamBuilder;
  built.streamBuilder = (of) => {
    const stream = build(of);
    const pipe = stream.pipe.bind(stream);
    const bounded = <T extends NodeJS.WritableStream>(to: T): T => {
      const cut = cutLongMessages();
      cut.on('error', (cause) => stream.destroy(cause));
      return pipe(cut).pipe(to);
    };
    return Object.assign(stream, { pipe: bounded });
  };
}
