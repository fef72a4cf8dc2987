// Boards without our agent, and what the machine that guards them goes by: keys, packages of MCUboot images, approvals and
// bootstrap documents, in a folder where the command runs.

import { writeFileSync } from 'node:fs';
import { newDocumentId, signApproval } from '../../host/formats/approval.js';
import { encodeBootstrap } from '../../host/formats/bootstrap.js';
import { classIdOf, vendorIdOf } from '../../host/formats/bytes.js';
import { splitEnvelope } from '../../host/formats/envelope.js';
import type { Policy } from '../../host/formats/policy.js';
import { buildPackage } from '../../host/formats/suit.js';
import { generateKey } from '../../host/keys/read.js';
import { type Ended, makePlace, type Place, runHere } from './command.js';
import { type ImageOptions, makeImage } from './mcuboot.js';
import type { Line } from './smp-lines.js';
import { type Habits, makeServer, type Server } from './smp-server.js';

const VENDOR_ID = vendorIdOf('vendor.example');
const CLASS_ID = classIdOf(VENDOR_ID, 'zephyr');
export const OLD_IMAGE = makeImage({ version: [1, 0, 0], bytes: 2000 });
const TOO_LONG_MS = 90_000;

export interface ForeignWorld {
  place: Place;
  operator: ReturnType<typeof generateKey>;
  /** Writes NAME.suit; returns the image in it. */
  package(name: string, sequence: bigint, image?: ImageOptions | Uint8Array): Uint8Array;
  /** Writes an approval document, or a denial, of a package that was written. */
  approval(file: string, of: string, sequence: bigint, verdict?: 'approve' | 'deny'): Uint8Array;
  /** Writes a bootstrap document with this policy. */
  bootstrap(file: string, policy: Policy): void;
  /** A board with these habits, on a line. */
  board(habits: Habits, line: (server: Server) => Line | Promise<Line>): Promise<Server & Line>;
  deliver(port: string, ...words: string[]): Promise<Pick<Ended, 'code' | 'json'>>;
  closeBoards(): void;
  close(): Promise<void>;
}

export async function makeForeignWorld(): Promise<ForeignWorld> {
  const place = await makePlace();
  const [vendor, operator] = [generateKey('ed25519'), generateKey('p256')];
  const lines: Line[] = [];
  const digests = new Map<string, Uint8Array>();
  return {
    place,
    operator,
    package(name, sequence, image = {}) {
      const bytes = image instanceof Uint8Array ? image : makeImage(image);
      const identity = { vendorId: VENDOR_ID, classId: CLASS_ID, sequence, name: 'Blinky' };
      const { envelope } = buildPackage({ key: vendor, image: bytes, ...identity, version: `1.${sequence}.0` });
      digests.set(name, splitEnvelope(envelope, name).digest);
      writeFileSync(place.path(name), envelope);
      return bytes;
    },
    approval(file, of, sequence, verdict = 'approve') {
      const entries = [{ verdict, digest: digests.get(of)! }];
      const claims = { issuer: 'op', issuedAt: 1_700_000_000, id: newDocumentId(), sequence, entries };
      const document = signApproval(operator, claims);
      writeFileSync(place.path(file), document);
      return document;
    },
    bootstrap(file, policy) {
      const anchors = [
        { role: 'vendor' as const, key: vendor.public, name: 'Vendor' },
        { role: 'operator' as const, key: operator.public, name: 'Operator' },
      ];
      const who = { device: Uint8Array.of(0x0a, 0x01), vendorId: VENDOR_ID, classId: CLASS_ID };
      writeFileSync(place.path(file), encodeBootstrap({ ...who, anchors, policy, approvals: [] }));
    },
    async board(habits, line) {
      const server = makeServer(habits, OLD_IMAGE);
      const made = await line(server);
      lines.push(made);
      return Object.assign(server, made);
    },
    // Nothing of these runs goes into the state of whoever runs the tests.
    deliver: (port, ...words) =>
      runHere(
        place,
        'deliver',
        '-p',
        port,
        '--remember',
        place.path('guard.json'),
        '--wait',
        String(TOO_LONG_MS / 1000),
        ...words,
      ),
    closeBoards() {
      for (const line of lines.splice(0)) line.close();
    },
    async close() {
      await place.remove();
    },
  };
}

/** Every request that would change the board. */
export const writesOf = ({ heard }: Server) => heard.filter(({ op, group }) => op === 2 && group !== 64);
