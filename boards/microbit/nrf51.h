/* The registers of the nRF51822 that this board uses, named as in Nordic's nRF51 Series Reference Manual v3.0.
 * Every register is a word; an event or task is a word that holds or takes 1. */
#ifndef COUNTERSIGN_NRF51_H
#define COUNTERSIGN_NRF51_H
#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))

/* UART, chapter 29 */
#define UART_STARTRX REGISTER(0x40002000)
#define UART_STOPRX REGISTER(0x40002004)
#define UART_STARTTX REGISTER(0x40002008)
#define UART_STOPTX REGISTER(0x4000200c)
#define UART_RXDRDY REGISTER(0x40002108)
#define UART_TXDRDY REGISTER(0x4000211c)
#define UART_ERROR REGISTER(0x40002124)
#define UART_INTENSET REGISTER(0x40002304)
#define UART_INTENCLR REGISTER(0x40002308)
#define UART_INT_RXDRDY (1u << 2)
#define UART_INT_ERROR (1u << 9)
#define UART_ERRORSRC REGISTER(0x40002480)
#define UART_ENABLE REGISTER(0x40002500)
#define UART_ENABLED 4u
#define UART_PSELTXD REGISTER(0x4000250c)
#define UART_PSELRXD REGISTER(0x40002514)
#define UART_RXD REGISTER(0x40002518)
#define UART_TXD REGISTER(0x4000251c)
#define UART_BAUDRATE REGISTER(0x40002524)
#define UART_BAUD_115200 0x01d7e000u

/* Timers, chapter 18: 16 MHz / 2^PRESCALER. TIMER0 tells the time, TIMER1 wakes the agent */
#define TIMER0_START REGISTER(0x40008000)
#define TIMER0_STOP REGISTER(0x40008004)
#define TIMER0_CLEAR REGISTER(0x4000800c)
#define TIMER0_CAPTURE0 REGISTER(0x40008040)
#define TIMER0_MODE REGISTER(0x40008504)
#define TIMER0_BITMODE REGISTER(0x40008508)
#define TIMER0_PRESCALER REGISTER(0x40008510)
#define TIMER0_CC0 REGISTER(0x40008540)
#define TIMER1_START REGISTER(0x40009000)
#define TIMER1_STOP REGISTER(0x40009004)
#define TIMER1_CLEAR REGISTER(0x4000900c)
#define TIMER1_COMPARE0 REGISTER(0x40009140)
#define TIMER1_SHORTS REGISTER(0x40009200)
#define TIMER1_INTENSET REGISTER(0x40009304)
#define TIMER1_INTENCLR REGISTER(0x40009308)
#define TIMER1_PRESCALER REGISTER(0x40009510)
#define TIMER1_CC0 REGISTER(0x40009540)
#define TIMER_INT_COMPARE0 (1u << 16)
#define TIMER_COMPARE0_CLEAR (1u << 0)
#define TIMER_32_BITS 3u
#define TIMER_1_MHZ 4u

/* Random number generator, chapter 21; corrected: with the bias correction of section 21.1.1 */
#define RNG_START REGISTER(0x4000d000)
#define RNG_STOP REGISTER(0x4000d004)
#define RNG_VALRDY REGISTER(0x4000d100)
#define RNG_CONFIG REGISTER(0x4000d504)
#define RNG_CORRECTED 1u
#define RNG_VALUE REGISTER(0x4000d508)

/* Watchdog, chapter 25: counts down from CRV at 32,768 Hz, while the CPU sleeps, too; RR[0] is the one that is enabled after reset */
#define WDT_START REGISTER(0x40010000)
#define WDT_RUNSTATUS REGISTER(0x40010400)
#define WDT_CRV REGISTER(0x40010504)
#define WDT_RR0 REGISTER(0x40010600)
#define WDT_RELOAD 0x6e524635u
#define WDT_HZ 32768u

/* Non-volatile memory controller, chapter 6 */
#define NVMC_READY REGISTER(0x4001e400)
#define NVMC_CONFIG REGISTER(0x4001e504)
#define NVMC_READ 0u
#define NVMC_WRITE 1u
#define NVMC_ERASE 2u
#define NVMC_ERASEPAGE REGISTER(0x4001e508)
#define NVMC_PAGE_BYTES 1024u

/* GPIO, chapter 14 */
#define GPIO_OUTSET REGISTER(0x50000508)
#define GPIO_OUTCLR REGISTER(0x5000050c)
#define GPIO_IN REGISTER(0x50000510)
#define GPIO_DIRSET REGISTER(0x50000518)
#define GPIO_PIN_CNF(pin) REGISTER(0x50000700 + 4 * (pin))
#define GPIO_INPUT 0u
#define GPIO_PULL_UP (3u << 2)

/* Interrupt numbers, and the core's controller for them */
#define IRQ_UART 2u
#define IRQ_TIMER1 9u
#define NVIC_ISER REGISTER(0xe000e100)
#define NVIC_ICER REGISTER(0xe000e180)

/* System control block of the core, ARMv6-M Architecture Reference Manual B3.2.6 */
#define SCB_AIRCR REGISTER(0xe000ed0c)
#define SCB_SYSRESETREQ 0x05fa0004u

/* Pins of the micro:bit (board revision 1.3 and 1.5). LED matrix: a LED lights with its row high and its column low. */
#define PIN_TXD 24u
#define PIN_RXD 25u
#define PIN_BUTTON_A 17u /* low while pressed, pulled up on the board */
#define PIN_BUTTON_B 26u
#define PIN_LED_ROW 13u  /* row 1 and column 1: the LED in the upper left corner */
#define PIN_LED_COLUMN 4u
#endif
