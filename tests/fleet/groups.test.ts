// A device belongs to the groups in its bootstrap document, until a signed change says otherwise: it takes their orders, also those
// that were left before.

import { afterEach, describe, expect, it } from 'vitest';
import { placeOrder } from '../../host/fleet/orders.js';
import { hex } from '../../host/formats/bytes.js';
import { signChange } from '../../host/formats/change.js';
import { publishPackage } from '../../host/links/packages.js';
import { have } from '../support/need.js';
import { digestOf, everything, FLEET, type Fleet, startFleet } from './fleet.js';

let here: Fleet;
afterEach(() => here.close());

describe.skipIf(!have('mosquitto'))('groups of a device', () => {
  it('stand in its bootstrap document; a change replaces them, and their orders with them', async () => {
    here = await startFleet();
    const { url } = here;
    await here.approve(1, [everything('approve')]);
    const order = async (group: string, name: string, sequence: bigint) => {
      const file = here.world.package(name, sequence);
      await publishPackage({ url, fleet: FLEET }, digestOf(file), file);
      const what = { digest: hex(digestOf(file)), encoding: 'raw', correlator: name } as const;
      await placeOrder({ url, fleet: FLEET }, { group }, what);
    };
    await order('pilot', 'first', 1n);
    await order('rest', 'second', 2n);
    await here.board('one', {}, { belongsTo: ['pilot', 'hall'] });
    await here.until(([one]) => one?.firmwareVersion === '1.1.0');
    expect((await here.seen())[0]?.groups).toEqual(['pilot', 'hall']);

    const moved = { sequence: 1n, issuedAt: Math.floor(Date.now() / 1000) - 60, groups: ['rest'] };
    await here.change(1, signChange(here.world.keys.operator, moved));
    await here.until(([one]) => one?.firmwareVersion === '1.2.0');
    expect((await here.seen())[0]?.groups).toEqual(['rest']);
    await order('pilot', 'third', 3n); // is its own no more
    await order('rest', 'fourth', 4n);
    await here.until(([one]) => one?.firmwareVersion === '1.4.0');

    const none = { sequence: 2n, issuedAt: moved.issuedAt, groups: [] };
    await here.change(2, signChange(here.world.keys.operator, none));
    await here.until(([one]) => one?.change === '2' && one.groups === undefined);
  });

  it('and those that its board was given beside them count, too', async () => {
    here = await startFleet();
    await here.board('one', {}, { belongsTo: ['pilot'], groups: ['bench', 'pilot'] });
    await here.until(([one]) => one?.groups?.join() === 'bench,pilot');
  });
});
