// What can be reached from here, in words: serial ports, and the devices that left their state on a broker.

import type { SeenDevice } from '../links/mqtt.js';
import type { PortInfo } from '../links/serial.js';
import type { Described } from './words.js';

/** `broker`: where devices were looked for; undefined: nowhere. `ports` undefined: nobody looked. */
export const devicesFound = (
  ports: readonly PortInfo[] | undefined,
  seen: readonly SeenDevice[],
  broker: string | undefined,
  now = Date.now(),
): Described => ({
  data: { ports: ports ?? [], devices: seen.map(seenData) },
  lines: [
    ...(ports ?? []).map(({ path, about }) => (about ? `${path}  ${about}` : path)),
    ...(ports?.length === 0 ? ['no serial ports'] : []),
    ...seen.map((device) => seenLine(device, now)),
    ...(broker && seen.length === 0 ? [`no ${ports ? '' : 'such '}devices on ${broker}`] : []),
  ],
});

/** A device as a member of a document. */
export const seenData = ({ fleet, name, state }: SeenDevice) => ({ fleet, name, ...state });

/** "plant/one  online, state 100, version 1.2.0, groups cellar, said 5 s ago" */
export function seenLine({ fleet, name, state }: SeenDevice, now = Date.now()): string {
  const { groups = [], at } = state;
  const facts = [
    state.online ? 'online' : 'offline',
    state.state !== undefined && `state ${state.state}`,
    state.firmwareVersion && `version ${state.firmwareVersion}`,
    state.reason !== undefined && state.reason.code !== 0 && state.reason.text,
    groups.length > 0 && `${groups.length === 1 ? 'group' : 'groups'} ${groups.join(' ')}`,
    at !== undefined && `said ${ageText(Math.floor(now / 1000) - at)}`,
  ];
  return `${fleet}/${name}  ${facts.filter(Boolean).join(', ')}`;
}

const UNITS: [seconds: number, word: string][] = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'min'],
];

/** "5 s ago", by two clocks that may differ: what lies ahead is said to. */
export function ageText(seconds: number): string {
  const [unit, word] = UNITS.find(([length]) => Math.abs(seconds) >= length) ?? [1, 's'];
  const count = Math.floor(Math.abs(seconds) / unit);
  return seconds < 0 && count > 0 ? `${count} ${word} ahead of our clock` : `${count} ${word} ago`;
}
