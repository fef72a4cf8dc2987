// A line to a broker that is unruly as its seed says: of the messages that pass, each way, a part comes twice, late, or behind the one that
// follows it. It speaks MQTT packets, and leaves all but messages alone. The broker behind it may go away and come back.

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import mqttPacket, { type IPublishPacket, type Packet } from 'mqtt-packet';

const LATE_MS_MAX = 400;

export interface Unruly {
  url: string;
  /** What it did to messages so far. */
  readonly counts: Readonly<Record<Whim, number>>;
  /** From now on everything passes as it comes. */
  calm(): void;
  close(): void;
}

const WHIMS = ['twice', 'late', 'behind'] as const;
type Whim = (typeof WHIMS)[number];

/** A number from 0 to 1 for each call, the same ones for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `share` of the messages, from 0 to 1, are treated so. */
export async function startUnruly(port: number, seed: number, share: number): Promise<Unruly> {
  const counts: Record<Whim, number> = { twice: 0, late: 0, behind: 0 };
  const sockets = new Set<Socket>();
  let calm = false;
  let lines = 0;

  function pass(from: Socket, to: Socket, random: () => number): void {
    const parser = mqttPacket.parser();
    let held: IPublishPacket | undefined;
    const letGo = () => {
      const last = held;
      held = undefined;
      if (last) send(last);
    };
    const send = (packet: Packet) => void (to.writable && to.write(mqttPacket.generate(packet)));
    const sendMessage = (message: IPublishPacket) => {
      send(message);
      letGo();
    };
    parser.on('packet', (packet: Packet) => {
      if (packet.cmd !== 'publish') return send(packet);
      if (calm || random() >= share) return sendMessage(packet);
      const whim = WHIMS[Math.floor(random() * WHIMS.length)]!;
      counts[whim] += 1;
      if (whim === 'late') return void setTimeout(send, random() * LATE_MS_MAX, packet).unref();
      if (whim === 'behind' && !held) {
        held = packet;
        setTimeout(letGo, LATE_MS_MAX).unref(); // there may be none that follows
        return;
      }
      sendMessage(packet);
      if (whim === 'twice') send(packet.qos > 0 ? { ...packet, dup: true } : packet);
    });
    parser.on('error', () => from.destroy());
    from.on('data', (bytes) => parser.parse(bytes));
    from.on('error', () => undefined);
    from.on('close', () => {
      sockets.delete(from);
      to.destroy();
    });
    sockets.add(from);
  }

  const server = createServer({ noDelay: true }, (client) => {
    const broker = connect({ port, host: '127.0.0.1', noDelay: true });
    const line = seed * 100_000 + lines++;
    pass(client, broker, seeded(2 * line));
    pass(broker, client, seeded(2 * line + 1));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    url: `mqtt://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    counts,
    calm() {
      calm = true;
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
