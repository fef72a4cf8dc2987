// A link whose other end is a function: it sees each request and says what comes back, if anything.

import { createListeners, type Link } from '../../host/smp/link.js';
import { decodePacket, encodePacket, type Packet } from '../../host/smp/packet.js';

export interface Scripted extends Link {
  sent: Packet[];
  say(packet: Uint8Array): void;
  speak(text: string): void;
  break(why: Parameters<ReturnType<typeof createListeners>['end']>[0]): void;
}

export type Script = (request: Packet, link: Scripted) => Record<string, unknown> | undefined;

export function scriptedLink(script: Script): Scripted {
  const { emit, listen, closed, end } = createListeners();
  const link: Scripted = {
    name: 'scripted',
    framingBytes: 4,
    sent: [],
    listen,
    closed,
    async send(bytes) {
      const request = decodePacket(bytes);
      link.sent.push(request);
      const body = script(request, link);
      if (body) setImmediate(() => emit.packet(encodePacket(responseTo(request, body))));
    },
    async close() {
      end();
    },
    say: (bytes) => emit.packet(bytes),
    speak: (text) => emit.text(Buffer.from(text)),
    break: (why) => end(why),
  };
  return link;
}

export function responseTo(request: Packet, body: Record<string, unknown>): Packet {
  return { ...request, op: request.op === 0 ? 1 : 3, body };
}
