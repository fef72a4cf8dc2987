// A virtual board in this process with keys, packages and approvals around it, for tests of commands that reach a device:
// only what is tested is a process of its own.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startVirtualBoard, type VirtualBoard, type VirtualBoardOptions } from '../../boards/virtual/board.js';
import { provision } from '../../host/device/identity.js';
import { encodeBootstrap } from '../../host/formats/bootstrap.js';
import { classIdOf, vendorIdOf } from '../../host/formats/bytes.js';
import { publicKeyToPem, type SigningKey } from '../../host/formats/keys.js';
import type { Policy } from '../../host/formats/policy.js';
import { buildPackage } from '../../host/formats/suit.js';
import { generateKey } from '../../host/keys/read.js';
import { openSerial } from '../../host/links/serial.js';
import { createClient } from '../../host/smp/client.js';

export const DEVICE = Uint8Array.of(0x0a, 0x0b);
const VENDOR_ID = vendorIdOf('vendor.example');
const CLASS_ID = classIdOf(VENDOR_ID, 'virtual');

export interface WorldBoard extends Partial<VirtualBoardOptions> {
  /** Those in its bootstrap document. */
  belongsTo?: readonly string[];
}

export interface DeviceWorld {
  folder: string;
  path(name: string): string;
  keys: Record<'vendor' | 'operator' | 'consenter', SigningKey>;
  /** A board of this policy, provisioned, without trial boots. */
  board(policy: Policy, options?: WorldBoard): Promise<VirtualBoard>;
  /** Writes a package of this sequence, and returns its bytes; the image is given, or so many equal bytes. */
  package(name: string, sequence: bigint, image?: number | Uint8Array): Uint8Array;
  close(): Promise<void>;
}

export function makeDeviceWorld(): DeviceWorld {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-device-'));
  const keys = { vendor: generateKey('ed25519'), operator: generateKey('p256'), consenter: generateKey('ed25519') };
  const boards: VirtualBoard[] = [];
  const path = (name: string) => join(folder, name);
  for (const [name, key] of Object.entries(keys)) {
    writeFileSync(path(`${name}.pem`), key.toPem());
    writeFileSync(path(`${name}.pub.pem`), publicKeyToPem(key.public));
  }
  let count = 0;
  return {
    folder,
    path,
    keys,
    async board(policy, { belongsTo = [], ...options } = {}) {
      count += 1;
      const running = await startVirtualBoard({ flash: path(`flash${count}`), ...options });
      boards.push(running);
      const document = encodeBootstrap({
        device: DEVICE,
        vendorId: VENDOR_ID,
        classId: CLASS_ID,
        anchors: [
          { role: 'vendor', key: keys.vendor.public, name: 'Vendor' },
          { role: 'operator', key: keys.operator.public, name: 'Operator' },
          { role: 'consenter', key: keys.consenter.public, name: 'Consenter' },
        ],
        policy: { 'trial-boots': 0, ...policy },
        approvals: [],
        groups: belongsTo,
      });
      const client = createClient(await openSerial(running.port));
      await provision(client, document);
      await client.close();
      return running;
    },
    package(name, sequence, image = 3000) {
      const { envelope } = buildPackage({
        key: keys.vendor,
        image: typeof image === 'number' ? new Uint8Array(image).fill(Number(sequence)) : image,
        vendorId: VENDOR_ID,
        classId: CLASS_ID,
        sequence,
        version: `1.${sequence}.0`,
        name: 'Blinky',
      });
      writeFileSync(path(name), envelope);
      return envelope;
    },
    async close() {
      for (const running of boards) await running.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
