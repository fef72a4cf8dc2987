/* The interface of countersign.h on the exports that every verifier has (core.ts, core-image.ts): bytes go into the core's window
 * in pieces, results come out of its memory. No decision is taken here. In countersign.c this follows the translated module, and
 * api-suit.c or api-image.c follows this. */

/* A length that the core answers with its own number for "too large" when the bytes do not fit the window. */
static u32 whole(const void *bytes, size_t length) {
    if (length > core_inputBytes()) return core_inputBytes() + 1;
    if (length) memcpy(memory_at(core_input(), (u32)length), bytes, length);
    return (u32)length;
}

static u32 piece(const void *bytes, size_t length) {
    u32 most = core_inputBytes();
    return whole(bytes, length < most ? length : most);
}

/* Parts side by side in the window; they fit. */
static void beside(u32 offset, const void *bytes, u32 length) {
    memcpy(memory_at(core_input() + offset, length), bytes, length);
}

int countersign_provision(const void *bootstrap, size_t length) { return (int)core_provision(whole(bootstrap, length)); }

void countersign_set_installed(uint64_t sequence) { core_setInstalled(sequence); }
void countersign_set_time(uint64_t seconds) { core_setTime(seconds); }
uint64_t countersign_time_floor(void) { return core_timeFloor(); }
void countersign_set_time_floor(uint64_t seconds) { core_setTimeFloor(seconds); }
uint64_t countersign_operator_floor(uint32_t anchor) { return core_operatorFloor(anchor); }
void countersign_set_operator_floor(uint32_t anchor, uint64_t sequence) { core_setOperatorFloor(anchor, sequence); }

int countersign_consider(countersign_source source, const void *document, size_t length) {
    return (int)core_consider((u32)source, whole(document, length));
}

void countersign_unreachable(countersign_source source) { core_unreachable((u32)source); }


int countersign_reason(void) { return (int)core_verdictReason(); }
int countersign_may_come(void) { return (int)core_mayCome(); }
uint64_t countersign_sequence(void) { return core_sequence(); }

int countersign_image_is(const uint8_t hash[32]) {
    beside(0, hash, 32);
    return (int)core_imageIs();
}

/* installed | time floor | floor of each operator: eight bytes each, as they lie in memory */
void countersign_state_save(uint8_t state[COUNTERSIGN_STATE_BYTES]) {
    uint64_t numbers[COUNTERSIGN_STATE_BYTES / 8] = {core_installed(), core_timeFloor()};
    for (u32 i = 2; i < COUNTERSIGN_STATE_BYTES / 8; i++) numbers[i] = core_operatorFloor(i - 2);
    memcpy(state, numbers, sizeof numbers);
}

void countersign_state_load(const uint8_t state[COUNTERSIGN_STATE_BYTES]) {
    uint64_t numbers[COUNTERSIGN_STATE_BYTES / 8];
    memcpy(numbers, state, sizeof numbers);
    core_setInstalled(numbers[0]);
    core_setTimeFloor(numbers[1]);
    for (u32 i = 2; i < COUNTERSIGN_STATE_BYTES / 8; i++) core_setOperatorFloor(i - 2, numbers[i]);
}

void countersign_sha256_begin(void) { core_sha256Begin(); }

void countersign_sha256_update(const void *bytes, size_t length) {
    const uint8_t *from = bytes;
    for (u32 given; length; from += given, length -= given) core_sha256Update(given = piece(from, length));
}

void countersign_sha256_finish(uint8_t digest[32]) {
    core_sha256Finish();
    memcpy(digest, memory_at(core_output(), 32), 32);
}

int countersign_p256_verify(const uint8_t key[64], const uint8_t signature[64], const uint8_t digest[32]) {
    beside(0, key, 64);
    beside(64, signature, 64);
    beside(128, digest, 32);
    return (int)core_p256Verify();
}
