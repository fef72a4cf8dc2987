/* What the verifier without SUIT has beyond api.c (core-image.ts). */

void countersign_start(void) { core_reset(); }

int countersign_image(const uint8_t hash[32], uint64_t sequence) {
    beside(0, hash, 32);
    return (int)core_image(sequence);
}

countersign_verdict countersign_decide(void) { return (countersign_verdict)core_decide(); }
