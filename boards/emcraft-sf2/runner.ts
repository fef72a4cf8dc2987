// `countersign board emcraft-sf2`: the Emcraft SmartFusion2 kit in QEMU, its serial NOR in a file.

import { builtApplication } from '../port/firmware.js';
import { startEmulated } from '../port/runner.js';
import { startSf2 } from './qemu.js';

const COMPILER = 'arm-none-eabi-gcc';

export const start = startEmulated('emcraft-sf2', COMPILER, startSf2);

export const buildApplication = (version: string) => builtApplication('emcraft-sf2', COMPILER, version);
