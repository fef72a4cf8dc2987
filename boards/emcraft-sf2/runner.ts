// `countersign board emcraft-sf2`: the Emcraft SmartFusion2 kit in QEMU, its serial NOR in a file.

import { seenFromQemu } from '../net/settings.js';
import { builtApplication } from '../port/firmware.js';
import { startEmulated } from '../port/runner.js';
import { startSf2 } from './qemu.js';

const COMPILER = 'arm-none-eabi-gcc';

export const start = startEmulated('emcraft-sf2', COMPILER, ({ radio: { broker, ...radio }, ...started }) =>
  startSf2({ ...started, ...(broker && { network: { ...radio, broker: seenFromQemu(broker) } }) }),
);

export const buildApplication = (version: string) => builtApplication('emcraft-sf2', COMPILER, version);
