/* The registers of the SmartFusion2 M2S010 that this board uses: Microsemi UG0331, SmartFusion2 Microcontroller Subsystem
 * User Guide; the chapters are named. Those of the processor: ARM DDI 0403, ARMv7-M Architecture Reference Manual. */
#ifndef COUNTERSIGN_M2S010_H
#define COUNTERSIGN_M2S010_H
#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))

#define APB_HZ 71000000u /* of all peripherals below: the kit's 142 MHz, halved */

/* Chapter "System Register Block": after power-on the peripherals are held in reset. */
#define SOFT_RESET_CR REGISTER(0x40038048)
#define SOFT_RESET_MAC (1u << 4)
#define SOFT_RESET_TIMER (1u << 6)
#define SOFT_RESET_MMUART0 (1u << 7)
#define SOFT_RESET_SPI0 (1u << 9)

/* Chapter "MMUART Peripherals": a 16550 */
#define UART_DATA REGISTER(0x40000000) /* RBR, THR */
#define UART_DLR REGISTER(0x40000000)  /* while LCR_DIVISOR */
#define UART_IER REGISTER(0x40000004)
#define UART_DMR REGISTER(0x40000004) /* while LCR_DIVISOR */
#define UART_FCR REGISTER(0x40000008)
#define UART_LCR REGISTER(0x4000000c)
#define UART_LSR REGISTER(0x40000014)
#define UART_IER_RECEIVED 1u
#define UART_FCR_ENABLE_AND_CLEAR 7u /* interrupt at the first byte */
#define UART_LCR_8N1 3u
#define UART_LCR_DIVISOR 0x80u
#define UART_LSR_RECEIVED 1u
#define UART_LSR_ROOM 0x20u /* THRE */
#define UART_LSR_SENT 0x40u /* TEMT */
#define UART_DIVISOR(baud) ((APB_HZ + 8 * (baud)) / (16 * (baud)))

/* Chapter "Serial Peripheral Interface Controller" */
#define SPI_CONTROL REGISTER(0x40001000)
#define SPI_FRAME_BITS REGISTER(0x40001004) /* TXRXDF_SIZE: changed only while it is disabled */
#define SPI_STATUS REGISTER(0x40001008)
#define SPI_RX REGISTER(0x40001010)
#define SPI_TX REGISTER(0x40001014)
#define SPI_CLK_GEN REGISTER(0x40001018)
#define SPI_SELECT REGISTER(0x4000101c)
#define SPI_CONTROL_ENABLE 1u
#define SPI_CONTROL_MASTER 2u
#define SPI_CONTROL_FRAMES(count) ((count) << 8)
#define SPI_CONTROL_SPS (1u << 26) /* the part stays selected from the first frame to the last */
#define SPI_CONTROL_CLKMODE (1u << 28)
#define SPI_CONTROL_BIGFIFO (1u << 29)
#define SPI_STATUS_RX_EMPTY (1u << 6)
#define SPI_FRAMES_MAX 0xffffu
#define SPI_18_MHZ 1u /* with CLKMODE: APB / (2 * (1 + 1)) */

/* Chapter "System Timer": two that count down. QEMU 7.2 counts 100 MHz whatever the machine's clock is: time passes there 1.4 times as fast. */
#define TIMER1_VALUE REGISTER(0x40004000)
#define TIMER1_LOAD REGISTER(0x40004004)
#define TIMER1_CONTROL REGISTER(0x4000400c)
#define TIMER2_LOAD REGISTER(0x4000401c)
#define TIMER2_CONTROL REGISTER(0x40004024)
#define TIMER2_RIS REGISTER(0x40004028) /* 1 clears it */
#define TIMER_ENABLE 1u                 /* periodic */
#define TIMER_INTERRUPT 4u

/* Chapter "Ethernet MAC": registers of the MAC, then of its DMA */
#define MAC_CFG1 REGISTER(0x40041000)
#define MAC_STATION_1 REGISTER(0x40041040) /* octets 1 to 4 of our address, from the top */
#define MAC_STATION_2 REGISTER(0x40041044) /* octets 5 and 6, from the top */
#define MAC_CFG1_TX_EN (1u << 0)
#define MAC_CFG1_RX_EN (1u << 2)
#define MAC_CFG1_RESET (1u << 31)
#define DMA_TX_CTRL REGISTER(0x40041180)
#define DMA_TX_DESC REGISTER(0x40041184)
#define DMA_TX_STATUS REGISTER(0x40041188)
#define DMA_RX_CTRL REGISTER(0x4004118c)
#define DMA_RX_DESC REGISTER(0x40041190)
#define DMA_RX_STATUS REGISTER(0x40041194)
#define DMA_IRQ_MASK REGISTER(0x40041198)
#define DMA_ENABLE 1u
#define DMA_TX_STATUS_SENT (1u << 0) /* 1 takes one off the count of frames */
#define DMA_TX_STATUS_UNDERRUN (1u << 1)
#define DMA_RX_STATUS_RECEIVED (1u << 0) /* 1 takes one off the count of frames */
#define DMA_RX_STATUS_OVERFLOW (1u << 2)
#define DMA_IRQ_RECEIVED (1u << 4)
#define DESCRIPTOR_EMPTY (1u << 31) /* the DMA's where it receives, ours where it sends */
#define DESCRIPTOR_LENGTH 0x7ffu

/* Chapter "Cortex-M3 Processor", table of interrupts */
#define IRQ_MMUART0 10
#define IRQ_MAC 12
#define IRQ_TIMER2 15
#define NVIC_ISER REGISTER(0xe000e100)
#define NVIC_ICER REGISTER(0xe000e180)

/* ARM DDI 0403 section B3.5 */
#define MPU_CTRL REGISTER(0xe000ed94)
#define MPU_RNR REGISTER(0xe000ed98)
#define MPU_RBAR REGISTER(0xe000ed9c)
#define MPU_RASR REGISTER(0xe000eda0)
#define MPU_CTRL_ENABLE_WITH_DEFAULT 5u
#define MPU_RASR_FULL_ACCESS (3u << 24)   /* and execution, since XN is 0 */
#define MPU_RASR_WRITE_THROUGH (1u << 17) /* normal memory */
#define MPU_RASR_64_MB (25u << 1)
#define MPU_RASR_ENABLE 1u

#define DDR_ADDRESS 0xa0000000u
#endif
