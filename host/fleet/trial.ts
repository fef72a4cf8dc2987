// Somebody who is heard by an image on trial. It starts only when its device is left alone, and where nothing else does it, an
// application confirms itself when it hears a packet. So a device that installs and says nothing is knocked at, after longer and
// longer pauses: longer than an agent stays that a knock has met before it left.

import { STATE } from '../device/identity.js';
import type { FleetLine } from '../links/fleet-line.js';
import { encodePacket, GROUP, OP } from '../smp/packet.js';

const FIRST_MS = 3000; // an agent leaves after one second, and hashes its image before
const FACTOR = 2;
const PAUSE_MS_MAX = 30_000;

const ECHO = encodePacket({ version: 2, op: OP.write, group: GROUP.os, sequence: 0, id: 0, body: { d: '' } });

/** To be called again and again with what the device shows; nobody waits for an answer. */
export function knocker(line: FleetLine, device: string): (state: number | undefined, now: number) => void {
  let pauseMs = FIRST_MS;
  let at: number | undefined;
  return (state, now) => {
    if (state !== STATE.updating) {
      at = undefined;
      pauseMs = FIRST_MS;
    } else if (at === undefined) at = now + pauseMs;
    else if (now >= at) {
      const link = line.link(device);
      void link
        .send(ECHO)
        .catch(() => undefined) // the broker is away: the next one
        .finally(() => link.close());
      pauseMs = Math.min(pauseMs * FACTOR, PAUSE_MS_MAX);
      at = now + pauseMs;
    }
  };
}
