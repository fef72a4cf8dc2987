/* The loops of assembly/crypto/sha256-small.ts. */
#define ROUND(a, b, c, d, e, f, g, h, n)                                             \
    h += w[n] + k[n] + (g ^ (e & (f ^ g))) + rotr(e ^ rotr(e ^ rotr(e, 14), 5), 6);  \
    d += h;                                                                          \
    h += (b ^ ((a ^ b) & (b ^ c))) + rotr(a ^ rotr(a ^ rotr(a, 9), 11), 2);
#define SCHEDULE(w0, w1, w9, w14) \
    w0 + w9 + (rotr(w1 ^ rotr(w1, 11), 7) ^ w1 >> 3) + (rotr(w14 ^ rotr(w14, 2), 17) ^ w14 >> 10)

static uint32_t schedule[64];

static void compress(sha256 *state, const uint32_t *block, uint32_t blocks) {
    uint32_t *s = state->hash;
    for (; blocks != 0; blocks--) {
        uint32_t *w = schedule;
        do {
            w[0] = big(block[0]);
            w[1] = big(block[1]);
            block += 2;
            w += 2;
        } while (w != schedule + 16);
        w = schedule;
        do {
            w[16] = SCHEDULE(w[0], w[1], w[9], w[14]);
            w[17] = SCHEDULE(w[1], w[2], w[10], w[15]);
            w += 2;
        } while (w != schedule + 48);
        uint32_t h = s[7], g = s[6], f = s[5], e = s[4], d = s[3], c = s[2], b = s[1], a = s[0];
        w = schedule;
        const uint32_t *k = K;
        do {
            ROUND(a, b, c, d, e, f, g, h, 0)
            ROUND(h, a, b, c, d, e, f, g, 1)
            ROUND(g, h, a, b, c, d, e, f, 2)
            ROUND(f, g, h, a, b, c, d, e, 3)
            ROUND(e, f, g, h, a, b, c, d, 4)
            ROUND(d, e, f, g, h, a, b, c, 5)
            ROUND(c, d, e, f, g, h, a, b, 6)
            ROUND(b, c, d, e, f, g, h, a, 7)
            w += 8;
            k += 8;
        } while (w != schedule + 64);
        s[7] += h;
        s[6] += g;
        s[5] += f;
        s[4] += e;
        s[3] += d;
        s[2] += c;
        s[1] += b;
        s[0] += a;
    }
}
