// What can be reached from here, in words: ports, and the devices that left their state on a broker.

import type { SeenDevice } from '../links/mqtt.js';
import type { PortInfo } from '../links/serial.js';
import type { Described } from './words.js';

/** `broker`: where devices were looked for; undefined: nowhere. */
export const devicesFound = (
  ports: readonly PortInfo[],
  seen: readonly SeenDevice[],
  broker: string | undefined,
): Described => ({
  data: { ports, devices: seen.map(({ fleet, name, state }) => ({ fleet, name, ...state })) },
  lines: [
    ...ports.map(({ path, about }) => (about ? `${path}  ${about}` : path)),
    ...(ports.length === 0 ? ['no serial ports'] : []),
    ...seen.map(deviceLine),
    ...(broker && seen.length === 0 ? [`no devices on ${broker}`] : []),
  ],
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
