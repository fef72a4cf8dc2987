// `countersign board riscv-virt`: QEMU's RISC-V virt machine, its flash in a file.

import { builtApplication } from '../port/firmware.js';
import { startEmulated } from '../port/runner.js';
import { startVirt } from './qemu.js';

const COMPILER = 'riscv64-unknown-elf-gcc';

export const start = startEmulated('riscv-virt', COMPILER, startVirt);

export const buildApplication = (version: string) => builtApplication('riscv-virt', COMPILER, version);
