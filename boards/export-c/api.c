/* The interface of countersign.h on the exports of core.ts: bytes go into the core's window in pieces, results come out of
 * its memory. No decision is taken here. In countersign.c this follows the translated module. */

static struct {
    u32 at, bytes;
} record; /* of the last verdict */

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

void countersign_start(void) {
    core_reset();
    record.bytes = 0;
}

int countersign_provision(const void *bootstrap, size_t length) { return (int)core_provision(whole(bootstrap, length)); }

void countersign_set_installed(uint64_t sequence) { core_setInstalled(sequence); }
void countersign_set_slot(uint32_t bytes) { core_setSlotBytes(bytes); }
void countersign_set_time(uint64_t seconds) { core_setTime(seconds); }
uint64_t countersign_time_floor(void) { return core_timeFloor(); }
void countersign_set_time_floor(uint64_t seconds) { core_setTimeFloor(seconds); }
uint64_t countersign_operator_floor(uint32_t anchor) { return core_operatorFloor(anchor); }
void countersign_set_operator_floor(uint32_t anchor, uint64_t sequence) { core_setOperatorFloor(anchor, sequence); }

void countersign_offer_begin(void) { core_offerBegin(); }

size_t countersign_offer_push(const void *bytes, size_t length) {
    const uint8_t *from = bytes;
    size_t taken = 0;
    while (taken < length) {
        u32 given = piece(from + taken, length - taken), took = core_offerPush(given);
        taken += took;
        if (took < given) break;
    }
    return taken;
}

countersign_phase countersign_offer_phase(void) { return (countersign_phase)core_offerPhase(); }
int countersign_offer_fault(void) { return (int)core_offerFault(); }
uint32_t countersign_payload_bytes(void) { return core_payloadBytes(); }
int countersign_offer_accept(void) { return (int)core_offerAccept(); }

int countersign_judge(void) { return (int)core_judge(); }

int countersign_consider(countersign_source source, const void *document, size_t length) {
    return (int)core_consider((u32)source, whole(document, length));
}

void countersign_unreachable(countersign_source source) { core_unreachable((u32)source); }

countersign_verdict countersign_decide(void) {
    countersign_verdict verdict = (countersign_verdict)core_decide();
    record.at = core_output();
    record.bytes = core_outputBytes();
    return verdict;
}

int countersign_reason(void) { return (int)core_verdictReason(); }

const uint8_t *countersign_record(size_t *length) {
    *length = record.bytes;
    return memory_at(record.at, record.bytes);
}

uint32_t countersign_image_bytes(void) { return core_imageBytes(); }

const uint8_t *countersign_manifest(countersign_field field, size_t *length) {
    *length = core_manifestText((u32)field);
    return *length ? memory_at(core_output(), (u32)*length) : NULL;
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

int countersign_ed25519_verify(const uint8_t key[32], const uint8_t signature[64], const void *message, size_t length) {
    const uint8_t *from = message;
    beside(0, key, 32);
    beside(32, signature, 64);
    core_ed25519Begin();
    for (u32 given; length; from += given, length -= given) core_ed25519Update(given = piece(from, length));
    return (int)core_ed25519Finish();
}

int countersign_p256_verify(const uint8_t key[64], const uint8_t signature[64], const uint8_t digest[32]) {
    beside(0, key, 64);
    beside(64, signature, 64);
    beside(128, digest, 32);
    return (int)core_p256Verify();
}
