// A program on bare metal whose files are the host's: newlib's start-up and semihosting behind a vector table.
export const VECTORS = `extern unsigned stack_top;
extern void _mainCRTStartup(void);
__attribute__((section(".vectors"), used)) static const void *const vectors[] = {&stack_top, (void *)_mainCRTStartup};
`;
export const SCRIPT = `MEMORY { RAM (rwx) : ORIGIN = 0, LENGTH = 4M }
SECTIONS {
  .text : { KEEP(*(.vectors)) *(.text*) *(.rodata*) *(.init) *(.fini) *(.init_array*) *(.fini_array*) } > RAM
  .ARM.exidx : { *(.ARM.exidx*) } > RAM
  .data : { *(.data*) } > RAM
  .bss : { __bss_start__ = .; *(.bss*) *(COMMON) __bss_end__ = .; } > RAM
  __end__ = ALIGN(8);
  end = __end__;
  stack_top = ORIGIN(RAM) + LENGTH(RAM);
}
`;
