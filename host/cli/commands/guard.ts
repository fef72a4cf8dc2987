// guard: lets another program write a board, with an image that was decided upon here first.
//
// The verdict, the question and the memory are those of deliver for boards without our agent (local/guarded-tool.ts). Nothing here
// answers the question for the person, and no option passes over the verdict.

import { z } from 'zod';
import { sequenceSchema } from '../../formats/typed.js';
import { cardAccess } from '../../local/secrets.js';
import { command, grouped } from '../command.js';
import { bootstrapOption, brokerOptions, fileArgument, option, output, sourceOptions, textSchema } from '../options.js';

export const guard = command({
  name: 'guard',
  summary: 'let another program write a board, after the verdict',
  details: [
    'For boards that esptool, avrdude, dfu-util, openocd and the like write. This machine decides in place of the board, as',
    '`deliver --bootstrap` does, and asks here what a device would ask its user. Then it runs your program without a shell:',
    '{image} among its words becomes the path of the image (raw bytes, image.bin), which nobody else can change. When the',
    'program ends with 0, the package is remembered, and no older one passes. The exit code of the program is passed on,',
    'unless it is one that has a meaning of ours: then it is 1.',
  ].join('\n'),
  arguments: {
    package: fileArgument('the .suit file, with the firmware in it'),
    program: {
      text: 'behind --: the program that writes the board, and its words; {image} is the image',
      schema: z.string().array(),
      many: true,
    },
  },
  options: {
    bootstrap: {
      ...bootstrapOption('whom the board would trust, and its policy; this machine decides'),
      schema: textSchema,
    },
    ...sourceOptions,
    ...grouped('Approvals', { fleet: brokerOptions.fleet }),
    installed: option('number', 'sequence number of the firmware that the board runs', sequenceSchema.optional()),
    remember: output('file that remembers operators and boards; default: guard.json in the state folder', {
      config: 'guard-memory',
      path: true,
    }),
    log: output('file to which each run is added, as JSON; default: guard-log.jsonl in the state folder', {
      config: 'guard-log',
      path: true,
    }),
  },
  examples: [
    'countersign guard release.suit --bootstrap board.yaml --approval release.cose -- esptool write-flash 0x0 {image}',
    'countersign guard release.suit --bootstrap board.yaml --card any -- dfu-util -a 0 -s 0x08000000:leave -D {image}',
    'countersign guard release.suit --bootstrap board.yaml --dry-run -- avrdude -c arduino -p m328p -U flash:w:{image}:r',
  ],
  writes: true,
  async run({ arguments: { package: path, program: tool }, options, terminal, ...doing }) {
    const { guardTool } = await import('../../local/guarded-tool.js');
    const { approval: files, card: reader, modem, approvalsFrom: broker, fleet } = options;
    const places = { files, reader, modem, broker, fleet, access: cardAccess(options, terminal) };
    const { bootstrap, installed, remember, log } = options;
    const job = { ...places, path, tool, bootstrap, installed, remember, log, quietly: terminal.json };
    return guardTool(job, terminal, doing);
  },
});
