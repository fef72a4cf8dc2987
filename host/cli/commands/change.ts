// change: the operators' side of new anchors, a new policy or other groups for devices in the field.
//
// Signs what a YAML file says; given a change that others have signed, adds one more signature. Several operators pass
// the one file round until as many have signed as the devices ask for. `provision` brings it to the devices.

import { changeFile } from '../../local/change.js';
import { command } from '../command.js';
import { file, fileArgument, output, signingOptions } from '../options.js';
import { issuingOptions } from '../signing-options.js';

export const change = command({
  name: 'change',
  summary: 'sign new trust anchors, a new policy or other groups for devices in the field',
  details: [
    'FILE is YAML with anchors, policy or groups, as in a bootstrap file. Each replaces all that the device had. It can',
    'also hold devices (a list of ids), sequence and issued. If FILE is a signed change, this adds one more',
    'signature, for devices that require several operators. `countersign provision` brings the change to devices.',
  ].join('\n'),
  arguments: { file: fileArgument('what to change (YAML), or a signed change') },
  options: {
    key: issuingOptions.key,
    output: output('output file; default: FILE with the ending .change; for a signed change, FILE itself', {
      short: 'o',
    }),
    bootstrap: file('bootstrap document of such a device (`tree get Bootstrap`): check that it would take the change'),
    ...signingOptions,
  },
  examples: [
    'countersign change rotate.yaml -k operator.pem',
    'countersign change rotate.change -k second.pem',
    'countersign provision rotate.change --broker mqtt://localhost --all',
  ],
  writes: true,
  run: ({ arguments: { file: source }, options, terminal, ...doing }) => changeFile(source, options, terminal, doing),
});
