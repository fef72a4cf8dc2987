// A TCP line between a board and its broker, that a test has in its hands: it cuts what passes into small pieces, lets something else
// come in between, and breaks.

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Line {
  port: number;
  /** Connections of the board so far. */
  readonly connections: number;
  /** What goes to the board is handed over in pieces of so many bytes, each in a segment of its own; 0: as it comes. */
  cutInto(bytes: number): void;
  /** To the board, as if its broker had said it. */
  inject(bytes: Uint8Array): void;
  /** Ends when the board has closed the connection that stands now. */
  closed(): Promise<unknown>;
  /** From now on, a connection is taken and nothing is said on it; or as ever. */
  mute(now: boolean): void;
  /** The board's connection breaks. */
  break(): void;
  close(): void;
}

export async function startLine(brokerPort: number): Promise<Line> {
  const sockets = new Set<Socket>();
  let current: Socket | undefined;
  let connections = 0;
  let pieceBytes = 0;
  let isMute = false;
  const server = createServer((board) => {
    const broker = connect(brokerPort, '127.0.0.1');
    connections += 1;
    current = board;
    board.setNoDelay(true);
    let turn = Promise.resolve();
    const hand = async (bytes: Buffer) => {
      for (let at = 0; at < bytes.length && board.writable; at += pieceBytes || bytes.length) {
        board.write(bytes.subarray(at, pieceBytes ? at + pieceBytes : undefined));
        if (pieceBytes) await new Promise(setImmediate);
      }
    };
    const heard = !isMute;
    broker.on('data', (bytes: Buffer) => {
      if (heard) turn = turn.then(() => hand(bytes));
    });
    board.on('data', (bytes: Buffer) => void broker.write(bytes));
    for (const [one, other] of [
      [board, broker],
      [broker, board],
    ] as const) {
      sockets.add(one);
      one.on('error', () => undefined); // shows as its end
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    cutInto(bytes) {
      pieceBytes = bytes;
    },
    inject: (bytes) => void current?.write(bytes),
    closed: async () => current && !current.destroyed && once(current, 'close'),
    mute(now) {
      isMute = now;
    },
    break: () => void current?.destroy(),
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
