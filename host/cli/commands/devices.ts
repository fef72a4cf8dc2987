// devices: what could be reached from here: serial ports, boards that run without hardware, and the devices that left
// their state on a broker.

import type { SeenDevice } from '../../links/mqtt.js';
import { topicNameSchema } from '../../links/topics.js';
import { command } from '../command.js';
import { brokerOptions, option } from '../options.js';

const ALL_FLEETS = '+';

export const devices = command({
  name: 'devices',
  summary: 'list serial ports, and the devices on a broker',
  arguments: {},
  options: {
    broker: brokerOptions.broker,
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
    return {
      data: { ports, devices: seen.map(({ fleet, name, state }) => ({ fleet, name, ...state })) },
      lines: [
        ...ports.map(({ path, about }) => (about ? `${path}  ${about}` : path)),
        ...(ports.length === 0 ? ['no serial ports'] : []),
        ...seen.map(deviceLine),
        ...(broker && seen.length === 0 ? [`no devices on ${broker}`] : []),
      ],
    };
  },
});

function deviceLine({ fleet, name, state }: SeenDevice): string {
  const facts = [
    state.online ? 'online' : 'offline',
    state.state !== undefined && `state ${state.state}`,
    state.firmwareVersion && `version ${state.firmwareVersion}`,
    state.reason !== undefined && state.reason.code !== 0 && state.reason.text,
  ];
  return `${fleet}/${name}  ${facts.filter(Boolean).join(', ')}`;
}
