/* The registers of QEMU's RISC-V virt machine that this board uses. Addresses and interrupt numbers from the device tree that QEMU
 * makes of the machine (-machine dumpdtb=FILE); names as in the manual of each device. */
#ifndef COUNTERSIGN_VIRT_H
#define COUNTERSIGN_VIRT_H
#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define REGISTER_8(address) (*(volatile uint8_t *)(address))

/* SiFive test finisher: what is written ends the machine or resets it */
#define FINISHER REGISTER(0x00100000)
#define FINISHER_RESET 0x7777u

/* Real-time clock, Goldfish Virtual Hardware Reference: nanoseconds since 1970; to read the low half latches the high one */
#define RTC_TIME_LOW REGISTER(0x00101000)
#define RTC_TIME_HIGH REGISTER(0x00101004)
#define RTC_HZ 1000000000u

/* Core-local interruptor, SiFive FU540-C000 Manual v1p4, chapter 9: an interrupt is pending while MTIME >= MTIMECMP */
#define CLINT_MTIMECMP_LOW REGISTER(0x02004000)
#define CLINT_MTIMECMP_HIGH REGISTER(0x02004004)
#define CLINT_MTIME_LOW REGISTER(0x0200bff8)
#define CLINT_MTIME_HIGH REGISTER(0x0200bffc)
#define CLINT_TICKS_PER_MS 10000u /* timebase-frequency of the device tree: 10 MHz */

/* Interrupt controller, RISC-V Platform-Level Interrupt Controller Specification; context 0 is the machine mode of hart 0 */
#define PLIC_PRIORITY(interrupt) REGISTER(0x0c000000 + 4 * (interrupt))
#define PLIC_ENABLE REGISTER(0x0c002000) /* interrupts 0 to 31, one bit each */
#define PLIC_CLAIM REGISTER(0x0c200004)  /* read: which one; written back: done with */
#define IRQ_UART 10u

/* UART, National Semiconductor PC16550D, section 8 */
#define UART_DATA REGISTER_8(0x10000000)
#define UART_IER REGISTER_8(0x10000001)
#define UART_IER_RECEIVED 1u
#define UART_FCR REGISTER_8(0x10000002)
#define UART_FCR_ENABLE 1u
#define UART_LSR REGISTER_8(0x10000005)
#define UART_LSR_DATA_READY 1u
#define UART_LSR_THR_EMPTY 0x20u
#define UART_LSR_ALL_SENT 0x40u

/* Eight slots for virtio devices, VIRTIO v1.1, section 4.2.2; with -global virtio-mmio.force-legacy=false */
#define VIRTIO_SLOT(number) (0x10001000u + 0x1000u * (number))
#define VIRTIO_SLOTS 8u
#define VIRTIO_DEVICE_ID(slot) REGISTER((slot) + 0x008)
#define VIRTIO_ENTROPY 4u /* section 5.4 */
#define VIRTIO_DRIVER_FEATURES(slot) REGISTER((slot) + 0x020)
#define VIRTIO_VERSION_1 1u /* bit 32: the first of the second word */
#define VIRTIO_DRIVER_FEATURES_SEL(slot) REGISTER((slot) + 0x024)
#define VIRTIO_QUEUE_SEL(slot) REGISTER((slot) + 0x030)
#define VIRTIO_QUEUE_NUM(slot) REGISTER((slot) + 0x038)
#define VIRTIO_QUEUE_READY(slot) REGISTER((slot) + 0x044)
#define VIRTIO_QUEUE_NOTIFY(slot) REGISTER((slot) + 0x050)
#define VIRTIO_STATUS(slot) REGISTER((slot) + 0x070)
#define VIRTIO_RESET 0u
#define VIRTIO_ACKNOWLEDGE 1u
#define VIRTIO_DRIVER 2u
#define VIRTIO_DRIVER_OK 4u
#define VIRTIO_FEATURES_OK 8u
#define VIRTIO_QUEUE_DESC_LOW(slot) REGISTER((slot) + 0x080)
#define VIRTIO_QUEUE_DESC_HIGH(slot) REGISTER((slot) + 0x084)
#define VIRTIO_QUEUE_DRIVER_LOW(slot) REGISTER((slot) + 0x090)
#define VIRTIO_QUEUE_DRIVER_HIGH(slot) REGISTER((slot) + 0x094)
#define VIRTIO_QUEUE_DEVICE_LOW(slot) REGISTER((slot) + 0x0a0)
#define VIRTIO_QUEUE_DEVICE_HIGH(slot) REGISTER((slot) + 0x0a4)

/* Flash, board.json says where: two chips of 16 bits side by side, each with the commands of Intel StrataFlash J3 (JEP137 command
 * set 0001). A word goes to both, so a command stands in it twice; so does the status */
#define CFI_BOTH(half) ((half) * 0x00010001u)
#define CFI_ERASE CFI_BOTH(0x20u)
#define CFI_PROGRAM CFI_BOTH(0x40u)
#define CFI_CLEAR_STATUS CFI_BOTH(0x50u)
#define CFI_CONFIRM CFI_BOTH(0xd0u)
#define CFI_READ_ARRAY CFI_BOTH(0xffu)
#define CFI_READY CFI_BOTH(0x80u)
#define CFI_FAILED CFI_BOTH(0x3au) /* erase, program, voltage too low, block locked */

/* Bits of the core's mie, RISC-V Privileged Architecture, section 3.1.9 */
#define MIE_TIMER (1u << 7)
#define MIE_EXTERNAL (1u << 11)
#endif
