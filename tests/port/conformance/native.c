/* The conformance firmware as a program of the machine at hand: standard input and output are its UART. */
#include <stdio.h>
#include <stdlib.h>
#include "conformance.c"

void hal_start(void) {}

void hal_link_write(int32_t link, const void *from, uint32_t length) {
    (void)link;
    fwrite(from, 1, length, stdout);
    fflush(stdout);
}

/* Waits, which a board's must not do. */
uint32_t hal_link_read(int32_t *link, void *to, uint32_t capacity) {
    *link = 0;
    uint32_t length = (uint32_t)fread(to, 1, capacity, stdin);
    if (length == 0) exit(1);
    return length;
}

/* Called when there is nothing to wait for: the end. */
void hal_idle(void) {
    exit(0);
}

const struct trap *chip_trap(void) {
    static const struct trap none;
    return &none;
}

int main(void) {
    port_main();
}
