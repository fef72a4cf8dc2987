// The end of an update is told by the device itself: whoever waits hears it, and does not sleep over it.

import { describe, expect, it } from 'vitest';
import { untilAlert } from '../../host/device/follow.js';
import { createClient } from '../../host/smp/client.js';
import { encodePacket, OP, type Packet } from '../../host/smp/packet.js';
import { type Scripted, scriptedLink } from '../smp/scripted.js';

const ALERT = { n: 1, type: 2, uri: './FUMO/1', result: 200, reason: 0, corr: 'c' };
const unasked: Packet = { version: 2, op: OP.write, group: 64, sequence: 1, id: 6, body: ALERT };

/** On trial until `ended`; after a reset it is left alone until `then`, and each reset is counted. */
function trial(then: (link: Scripted, end: () => void) => void) {
  let ended = false;
  let resets = 0;
  const link = scriptedLink(({ group, id, op }, self) => {
    if (group === 0 && id === 5) {
      resets += 1;
      then(self, () => {
        ended = true;
      });
      return {};
    }
    if (group === 0) return { r: '' };
    if (group === 1) return { images: [{ slot: 0, active: true, confirmed: ended }] };
    if (id === 0) return { fmt: 'int', len: ended ? 3 : 2, off: 0, data: Buffer.from(ended ? '100' : '60') };
    if (id === 4 && op === OP.read) return { pending: false };
    return ended ? ALERT : { n: 0 };
  });
  return { client: createClient(link, { timeoutMs: 200, retries: 1 }), resets: () => resets };
}

async function follow(device: ReturnType<typeof trial>): Promise<number> {
  const began = performance.now();
  const order = { client: device.client, waits: {}, alerts: 0, correlator: 'c' };
  const steps = untilAlert(order, 20_000, async function* () {});
  for (let step = await steps.next(); ; step = await steps.next()) if (step.done) break;
  expect(device.resets()).toBe(1);
  return performance.now() - began;
}

describe('a firmware on trial', () => {
  it('that confirms itself: its alert ends the waiting', async () => {
    const device = trial((link, end) => {
      setTimeout(() => {
        end();
        link.say(encodePacket(unasked));
      }, 300);
    });
    expect(await follow(device)).toBeLessThan(1000);
  });

  it('that says something once it has started is spoken to; what is said earlier is not its own', async () => {
    const device = trial((link, end) => {
      setTimeout(() => link.speak('restarting\n'), 100);
      setTimeout(() => {
        end();
        link.speak('new firmware\n');
      }, 1100);
    });
    const took = await follow(device);
    expect(took).toBeGreaterThan(1050);
    expect(took).toBeLessThan(1900);
  });

  it('that says nothing has two seconds', async () => {
    expect(await follow(trial((_, end) => void setTimeout(end, 1000)))).toBeGreaterThan(1950);
  });
});
