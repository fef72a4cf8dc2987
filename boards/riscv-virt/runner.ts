// `countersign board riscv-virt`: QEMU's RISC-V virt machine, its flash in a file.

import { startEmulated } from '../port/runner.js';
import { startVirt } from './qemu.js';

export const start = startEmulated('riscv-virt', 'riscv64-unknown-elf-gcc', startVirt);
