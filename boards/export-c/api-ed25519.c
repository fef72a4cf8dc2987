/* The primitive that a verifier for P-256 alone has not. */

int countersign_ed25519_verify(const uint8_t key[32], const uint8_t signature[64], const void *message, size_t length) {
    const uint8_t *from = message;
    beside(0, key, 32);
    beside(32, signature, 64);
    core_ed25519Begin();
    for (u32 given; length; from += given, length -= given) core_ed25519Update(given = piece(from, length));
    return (int)core_ed25519Finish();
}
