// devices: what could be reached from here: serial ports, boards that run without hardware, and the devices that left
// their state on a broker.

import type { SeenDevice } from '../../links/mqtt.js';
import type { PortInfo } from '../../links/serial.js';
import { topicNameSchema } from '../../links/topics.js';
import { reasonOf } from '../../reasons.js';
import { command } from '../command.js';
import { brokerOptions } from '../connection-options.js';

const ALL_FLEETS = '+';

export const devices = command({
  name: 'devices',
  summary: 'list serial ports, and the devices on a broker',
  arguments: {},
  options: {
    broker: brokerOptions.broker,
    fleet: { ...brokerOptions.fleet, text: 'only this fleet', schema: topicNameSchema.optional() },
  },
  examples: ['countersign devices', 'countersign devices --broker mqtt://localhost --json'],
  async run({ options, signal }) {
    const [{ allPorts }, { listDevices }] = await Promise.all([
      import('../connection.js'),
      import('../../links/mqtt.js'),
    ]);
    const ports = await allPorts();
    const seen = options.broker ? await listDevices(options.broker, options.fleet ?? ALL_FLEETS, signal) : [];
    return {
      data: {
        ports,
        devices: seen.map(({ fleet, name, state }) => ({ fleet, name, ...state })),
      },
      lines: [
        ...ports.map(portLine),
        ...(ports.length === 0 ? ['no serial ports'] : []),
        ...seen.map(deviceLine),
        ...(options.broker && seen.length === 0 ? [`no devices on ${options.broker}`] : []),
      ],
    };
  },
});

function portLine({ path, about }: PortInfo): string {
  return about ? `${path}  ${about}` : path;
}

function deviceLine({ fleet, name, state }: SeenDevice): string {
  const facts = [
    state.online ? 'online' : 'offline',
    state.state !== undefined && `state ${state.state}`,
    state.version && `version ${state.version}`,
    state.reason !== undefined && state.reason !== 0 && reasonOf(state.reason).text,
  ];
  return `${fleet}/${name}  ${facts.filter(Boolean).join(', ')}`;
}
