/* What the verifier of packages has beyond api.c (core.ts). */

static struct {
    u32 at, bytes;
} record; /* of the last verdict */

void countersign_start(void) {
    core_reset();
    record.bytes = 0;
}

void countersign_set_slot(uint32_t bytes) { core_setSlotBytes(bytes); }

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

countersign_verdict countersign_decide(void) {
    countersign_verdict verdict = (countersign_verdict)core_decide();
    record.at = core_output();
    record.bytes = core_outputBytes();
    return verdict;
}

const uint8_t *countersign_record(size_t *length) {
    *length = record.bytes;
    return memory_at(record.at, record.bytes);
}

uint32_t countersign_image_bytes(void) { return core_imageBytes(); }

const uint8_t *countersign_manifest(countersign_field field, size_t *length) {
    *length = core_manifestText((u32)field);
    return *length ? memory_at(core_output(), (u32)*length) : NULL;
}
