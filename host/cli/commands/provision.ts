// provision: brings the bootstrap document to a blank device, once. The device then locks; later it takes changes of
// anchors and policy that its operators signed, here or with --all on every device of a fleet that is online
// (fleet/provision-file.ts).

import { countSchema } from '../../formats/typed.js';
import { command, grouped } from '../command.js';
import { connectionWords, whereOf } from '../connection.js';
import { connectionOptions, file, fileArgument, flag, option, text, waitOption } from '../options.js';
import { askingOf } from '../several.js';

export const provision = command({
  name: 'provision',
  summary: 'bring a bootstrap document to a blank device, or a signed change to any',
  details: [
    'The bootstrap document (YAML or CBOR) holds identity, trust anchors and policy. A device takes one, once, and',
    'then locks. From then on it takes only signed changes (`countersign change`). Exit code 2: the device has this',
    'change already. With --all: 0 if all devices of the fleet have it now, else the code of the worst failure, or 41',
    'if some are offline; repeat the command for these, the others are left alone.',
  ].join('\n'),
  arguments: { bootstrap: fileArgument('the bootstrap file, or a signed change') },
  options: {
    ...connectionOptions,
    all: flag('bring a change to all online devices of the fleet', { needs: 'broker' }),
    ...grouped('A list of devices', {
      from: file('list of devices (CSV: id, name, groups); the bootstrap file is the template', {
        not: ['all', 'device', 'port'],
      }),
      out: text('folder', 'write one document each there, instead of bringing them over the broker', { needs: 'from' }),
      parallel: option('number', 'devices at a time; default: 64', countSchema(1, 10_000).optional(), {
        needs: 'from',
      }),
      wait: { ...waitOption('how long to wait for devices that are offline'), needs: 'from' },
    }),
  },
  examples: [
    'countersign provision device.yaml --port /dev/ttyACM0',
    'countersign provision device.yaml --broker mqtt://localhost --device virtual',
    'countersign provision template.yaml --from list.csv --out boot',
    'countersign provision template.yaml --from list.csv --broker mqtt://localhost --fleet plant',
    'countersign provision rotate.change --broker mqtt://localhost --all',
  ],
  writes: true,
  async run({ arguments: { bootstrap: path }, options, terminal, ...doing }) {
    const { provisionFile, provisionList } = await import('../../fleet/provision-file.js');
    const { from: list, out, broker, fleet } = options;
    if (list !== undefined) {
      const asking = { broker, fleet, ...askingOf(options, doing.signal) };
      return provisionList(path, { list, out }, asking, doing);
    }
    const { blank, ...done } = await provisionFile(path, whereOf(options), options, terminal, doing);
    return { ...done, next: blank ? ['deliver', ...connectionWords(options)] : undefined };
  },
});
