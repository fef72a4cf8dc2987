// devices: what could be reached from here: serial ports, boards that run without hardware, and the devices that left
// their state on a broker.

import { devicesFound } from '../../describe/devices.js';
import { topicNameSchema } from '../../formats/topic-name.js';
import { command } from '../command.js';
import { accessOptions, brokerOptions, option } from '../options.js';

const ALL_FLEETS = '+';

export const devices = command({
  name: 'devices',
  summary: 'list serial ports, and the devices on a broker',
  arguments: {},
  options: {
    broker: brokerOptions.broker,
    ...accessOptions,
    fleet: option('name', 'only this fleet', topicNameSchema.optional(), { config: 'fleet' }),
  },
  examples: ['countersign devices', 'countersign devices --broker mqtt://localhost --json'],
  async run({ options: { broker, fleet = ALL_FLEETS }, signal }) {
    const [{ allPorts }, { listDevices }] = await Promise.all([
      import('../../local/connect.js'),
      import('../../links/mqtt.js'),
    ]);
    const ports = await allPorts();
    const seen = broker ? await listDevices(broker, fleet, signal) : [];
    return devicesFound(ports, seen, broker && `${broker}`);
  },
});
