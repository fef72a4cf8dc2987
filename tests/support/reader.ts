// A real PC/SC daemon with vsmartcard's virtual reader in it, and a way to put cards of the tests into that reader.
//
// pcscd has one socket a machine. One that runs already is used if its virtual reader listens; else ours is started and
// stopped again (it needs root for its socket). Test files take turns by holding a port.

import { spawn } from 'node:child_process';
import { createServer, type Server, type Socket, connect as tcp } from 'node:net';
import { openPcsc } from '../../host/card/pcsc.js';
import type { IsoCard } from './iso-card.js';
import { have } from './need.js';

const VPCD_PORT = 35963; // of the first slot, as Debian configures it
const TURN_PORT = 35899;
const WAIT_MS = 60_000;
const TURN_MS = 300_000; // several files of tests, each as long as a slow machine makes it
const ATR = Uint8Array.of(0x3b, 0x80, 0x80, 0x01, 0x01);

const CONTROL = { off: 0, on: 1, reset: 2, atr: 4 } as const;

export const READER = 'Virtual PCD 00 00';

/** Whether this machine can have the reader. */
export const haveReader = (): boolean => have('pcscd') && (process.getuid?.() === 0 || process.env.CI === 'true');

export interface VirtualReader {
  /** Resolves when PC/SC sees the card. `cutAfter` commands the card is pulled out, unanswered. */
  insert(card: IsoCard, cutAfter?: number): Promise<void>;
  /** Resolves when PC/SC sees that it is gone. */
  remove(): Promise<void>;
  stop(): Promise<void>;
}

export async function startReader(): Promise<VirtualReader> {
  const turn = await takeTurn();
  const daemon = (await reachable(VPCD_PORT)) ? undefined : spawn('pcscd', ['--foreground'], { stdio: 'ignore' });
  await until('pcscd', () => reachable(VPCD_PORT));
  const pcsc = await openPcsc().catch(async () => {
    await new Promise((resolve) => setTimeout(resolve, 500));
    return openPcsc();
  });
  let socket: Socket | undefined;
  const seen = () => pcsc.readers().find(({ name }) => name === READER)?.atr !== undefined;

  async function remove(): Promise<void> {
    socket?.destroy();
    socket = undefined;
    await until('the card to be gone', async () => !seen());
  }

  return {
    async insert(card, cutAfter = Number.POSITIVE_INFINITY) {
      await remove();
      card.reset();
      socket = await connectCard(card);
      await until('the card to be seen', async () => seen());
      limit = card.commands + cutAfter;
    },
    remove,
    async stop() {
      socket?.destroy();
      pcsc.close();
      if (daemon) {
        const ended = new Promise((resolve) => daemon.once('exit', resolve));
        daemon.kill();
        await ended;
      }
      turn.close();
    },
  };
}

let limit = Number.POSITIVE_INFINITY;

/** vpcd's protocol: every message has a length of two bytes before it; length 1 is for the reader, not for the card. */
async function connectCard(card: IsoCard): Promise<Socket> {
  limit = Number.POSITIVE_INFINITY;
  const socket = await opened(VPCD_PORT);
  const send = (bytes: Uint8Array) => socket.write(Buffer.of(bytes.length >> 8, bytes.length & 0xff, ...bytes));
  let heard = Buffer.alloc(0);
  socket.on('error', () => undefined);
  socket.on('data', (piece) => {
    heard = Buffer.concat([heard, piece]);
    while (heard.length >= 2 && heard.length >= 2 + heard.readUInt16BE()) {
      const message = heard.subarray(2, 2 + heard.readUInt16BE());
      heard = heard.subarray(2 + message.length);
      if (message.length === 1) {
        if (message[0] === CONTROL.atr) send(ATR);
        else card.reset();
      } else if (card.commands >= limit) {
        socket.destroy();
        return;
      } else {
        send(card.execute(message));
      }
    }
  });
  return socket;
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = tcp(port, '127.0.0.1', () => resolve(socket));
    socket.once('error', reject);
  });
}

/** The reader listens anew behind each connection, and not at once. */
async function opened(port: number): Promise<Socket> {
  let socket: Socket | undefined;
  await until('the reader to listen', async () => {
    socket = await open(port).catch(() => undefined);
    return socket !== undefined;
  });
  return socket!;
}

const reachable = (port: number): Promise<boolean> =>
  open(port).then(
    (socket) => {
      socket.destroy();
      return true;
    },
    () => false,
  );

async function takeTurn(): Promise<Server> {
  let server: Server | undefined;
  await until(
    'the reader to be free',
    async () => {
      const next = createServer();
      const listening = new Promise<boolean>((resolve) => {
        next.once('error', () => resolve(false));
        next.listen(TURN_PORT, '127.0.0.1', () => resolve(true));
      });
      if (!(await listening)) return false;
      server = next;
      return true;
    },
    TURN_MS,
  );
  return server!;
}

async function until(what: string, holds: () => Promise<boolean>, ms = WAIT_MS): Promise<void> {
  const end = Date.now() + ms;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
