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

function cutLongMessages(): Transform {
  let head: number[] = []; // of a packet, until its length is known
  let pass = 0; // bytes of the packet that are still handed on
  let skip = 0; // and then dropped
  return new Transform({
    transform(chunk: Buffer, _, done: TransformCallback) {
      for (let at = 0; at < chunk.length; ) {
        if (pass > 0) {
          const piece = chunk.subarray(at, at + pass);
          this.push(piece);
          pass -= piece.length;
          at += piece.length;
        } else if (skip > 0) {
          const bytes = Math.min(skip, chunk.length - at);
          skip -= bytes;
          at += bytes;
        } else {
          head.push(chunk[at++]!);
          const length = lengthIn(head);
          if (length === 'more') continue;
          if (length === 'none' || (length > MESSAGE_BYTES_MAX && head[0]! >> 4 !== PUBLISH))
            return done(new Error('what the broker sends is no MQTT'));
          pass = Math.min(length, MESSAGE_BYTES_MAX);
          skip = length - pass;
          this.push(Buffer.from([head[0]!, ...encodeLength(pass)]));
          head = [];
        }
      }
      done();
    },
  });
}

function lengthIn([, ...bytes]: number[]): number | 'more' | 'none' {
  const last = bytes.at(-1);
  if (last === undefined) return 'more';
  if (last >= 0x80) return bytes.length < LENGTH_BYTES_MAX ? 'more' : 'none';
  return bytes.reduce((length, byte, at) => length + (byte & 0x7f) * 0x80 ** at, 0);
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
