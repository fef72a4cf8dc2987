// The QEMU plugin that counts (bench/count.c) counts right: a program of known steps on a Cortex-M4, which may read
// from any address. (The emulated Cortex-M0 faults on the first unaligned access, as silicon does.)

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { have } from '../support/need.js';

const PROGRAM = `
typedef unsigned word;
void reset(void) {
  volatile word odd = 0x20000101, half = 0x20000102;
  for (int i = 0; i < 5; i++) (void)*(volatile word *)odd;
  (void)*(volatile unsigned short *)half;
  (void)*(volatile unsigned char *)odd;
  __asm volatile("mov r9, r9\\nnop\\nnop\\nnop\\nmov r10, r10");
  __asm volatile("mov r0, #0x18\\nldr r1, =0x20026\\nbkpt 0xab"); /* semihosting: the end */
  for (;;) {}
}
__attribute__((section(".vectors"), used)) const void *const vectors[2] = {(void *)0x20001000, (void *)reset};
`;

test.skipIf(!have('cc', 'arm-none-eabi-gcc', 'qemu-system-arm'))('counts instructions and unaligned accesses', () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-count-'));
  try {
    const at = (name: string) => join(folder, name);
    execFileSync('cc', [
      ...['-O2', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC'],
      ...['-o', at('count.so'), 'bench/count.c'],
    ]);
    writeFileSync(at('program.c'), PROGRAM);
    execFileSync('arm-none-eabi-gcc', [
      ...['-mcpu=cortex-m4', '-mthumb', '-masm-syntax-unified', '-Os', '-nostdlib'],
      ...['-Wl,--section-start=.vectors=0,-Ttext=0x40,-ereset', at('program.c'), '-o', at('program.elf')],
    ]);
    const { stderr } = spawnSync(
      'qemu-system-arm',
      [
        ...['-M', 'mps2-an386', '-display', 'none', '-monitor', 'none', '-serial', 'none', '-semihosting'],
        ...['-kernel', at('program.elf'), '-plugin', at('count.so')],
      ],
      { encoding: 'utf8', timeout: 20_000 },
    );
    expect(stderr).toMatch(/^region 0 instructions 3\nunaligned 5\nfirst 20000101 at 000000[0-9a-f]{2}\n$/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
