// devices: what could be reached from here: serial ports, boards that run without hardware, and the devices that left
// their state on a broker. --watch goes on, and shows each change: on a terminal in place, otherwise one line each.

import { devicesFound, seenData, seenLine } from '../../describe/devices.js';
import type { Wanted } from '../../fleet/seen.js';
import { topicNameSchema } from '../../formats/topic-name.js';
import { countSchema } from '../../formats/typed.js';
import type { SeenDevice } from '../../links/mqtt.js';
import type { BrokerUrl } from '../../links/mqtt-url.js';
import { command, grouped, type Result } from '../command.js';
import type { Surroundings } from '../connection.js';
import { accessOptions, brokerOptions, flag, option } from '../options.js';
import { type Limits, limitOptions, watching } from '../watching.js';

const ALL_FLEETS = '+';
const ON_BROKER = { needs: 'broker' };

export const devices = command({
  name: 'devices',
  summary: 'list serial ports, and the devices on a broker',
  details: [
    'Of a device on a broker: whether it is there, FUMO state, version, the reason of its last refusal, its groups, and',
    'how long ago it last said something, if it has a clock. What is listed is what devices say of themselves.',
  ].join('\n'),
  arguments: {},
  options: {
    broker: brokerOptions.broker,
    ...accessOptions,
    fleet: option('name', 'only this fleet', topicNameSchema.optional(), { config: 'fleet' }),
    ...grouped('Only some devices', {
      group: option('name', 'of this group', topicNameSchema.array().default([]), { ...ON_BROKER, repeat: true }),
      state: option('number', 'in this FUMO state', countSchema(10, 100).array().default([]), {
        ...ON_BROKER,
        repeat: true,
      }),
      offline: flag('that are offline', ON_BROKER),
    }),
    ...grouped('Watching', {
      watch: flag('go on, and show what changes', ON_BROKER),
      ...limitOptions('lines', { needs: 'watch' }),
    }),
  },
  examples: [
    'countersign devices',
    'countersign devices --broker mqtt://localhost --json',
    'countersign devices --broker mqtt://localhost --fleet plant --group cellar --offline',
    'countersign devices --broker mqtt://localhost --fleet plant --watch',
  ],
  async run({ options: { broker, fleet = ALL_FLEETS, watch, ...options }, ...around }) {
    const wanted = { groups: options.group, states: options.state, offline: options.offline };
    if (watch) return watchThem(broker!, fleet, wanted, options, around);
    const some = options.group.length + options.state.length > 0 || options.offline;
    const [{ allPorts }, { listDevices }, { isWanted }] = await Promise.all([
      import('../../local/connect.js'),
      import('../../links/mqtt.js'),
      import('../../fleet/seen.js'),
    ]);
    const ports = some ? undefined : await allPorts();
    const seen = broker ? await listDevices(broker, fleet, around.signal) : [];
    return devicesFound(ports, seen.filter(isWanted(wanted)), broker && `${broker}`);
  },
});

function watchThem(
  broker: BrokerUrl,
  fleet: string,
  wanted: Wanted,
  limits: Limits,
  { terminal, signal: outer }: Surroundings,
): Promise<Result> {
  return watching(limits, outer, async (signal, changed) => {
    const { isWanted, watchFleet } = await import('../../fleet/seen.js');
    const all = new Map<string, SeenDevice>();
    const passes = isWanted(wanted);
    for await (const seen of watchFleet(broker, fleet, signal)) {
      const key = `${seen.fleet}/${seen.name}`;
      if (passes(seen)) all.set(key, seen);
      else if (!all.delete(key)) continue;
      if (terminal.inPlace) terminal.inPlace([...all.keys()].sort().map((name) => seenLine(all.get(name)!)));
      else terminal.result({ time: new Date().toISOString(), ...seenData(seen) }, [seenLine(seen)]);
      if (changed()) break;
    }
  });
}
