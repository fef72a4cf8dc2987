/* How deep each export of the module goes, for measurements only (bench/microbit.mjs). build.ts has it included at the end of the module's
 * C text, so that the calls of the main loop, and no definition, become measured ones: before a call the free stack is
 * painted, after it the deepest word that changed is looked for. Interrupts that came meanwhile are in the figure, as they
 * are on a board in use.
 */
enum { EXPORT_START, EXPORT_INPUT, EXPORT_INPUT_BYTES, EXPORT_RECEIVE, EXPORT_TICK, EXPORT_BUSY, EXPORTS };
enum { PAINT = 0x5aa55aa5 };

extern u32 stack_bottom[], stack_top[];

/* Bytes below stack_top, of each export. bench/microbit.mjs reads them by this name, in this order. A reset leaves them. */
static volatile u32 stack_deepest[EXPORTS] __attribute__((noinit));

__attribute__((noinline)) static void stack_paint(void) {
    u32 *here;
    __asm volatile("mov %0, sp" : "=r"(here));
    for (volatile u32 *word = stack_bottom; word < here; word++) *word = PAINT;
}

__attribute__((noinline)) static void stack_look(u32 export) {
    volatile u32 *word = stack_bottom;
    while (*word == PAINT) word++;
    u32 deep = (u32)((char *)stack_top - (char *)word);
    if (deep > stack_deepest[export]) stack_deepest[export] = deep;
}

#define agent_start() (stack_paint(), agent_start(), stack_look(EXPORT_START))
#define agent_receive(link, length) (stack_paint(), agent_receive(link, length), stack_look(EXPORT_RECEIVE))
#define agent_tick(milliseconds) (stack_paint(), agent_tick(milliseconds), stack_look(EXPORT_TICK))
#define MEASURED(export, call)  \
    ({                          \
        stack_paint();          \
        u32 result = (call);    \
        stack_look(export);     \
        result;                 \
    })
#define agent_input() MEASURED(EXPORT_INPUT, agent_input())
#define agent_inputBytes() MEASURED(EXPORT_INPUT_BYTES, agent_inputBytes())
#define agent_busy() MEASURED(EXPORT_BUSY, agent_busy())
