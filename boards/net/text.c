/* Text in a buffer of fixed size: see text.h. */
#include "text.h"

void text_bytes(struct text *t, const void *from, uint32_t bytes) {
    if (bytes > t->capacity - t->bytes) {
        t->whole = 0;
        return;
    }
    if (bytes) memcpy(t->at + t->bytes, from, bytes);
    t->bytes += bytes;
}

void text_put(struct text *t, const char *word) {
    text_bytes(t, word, (uint32_t)strlen(word));
}

void text_number(struct text *t, uint64_t value) {
    char digits[20];
    uint32_t at = sizeof digits;
    do digits[--at] = (char)('0' + value % 10);
    while (value /= 10);
    text_bytes(t, digits + at, (uint32_t)sizeof digits - at);
}

void text_hex(struct text *t, const uint8_t *bytes, uint32_t length) {
    for (uint32_t i = 0; i < length; i++) {
        char two[] = {"0123456789abcdef"[bytes[i] >> 4], "0123456789abcdef"[bytes[i] & 15]};
        text_bytes(t, two, 2);
    }
}

void text_json(struct text *t, const char *from, uint32_t length) {
    text_put(t, "\"");
    for (uint32_t i = 0; i < length; i++) {
        char c = from[i];
        if (c == '"' || c == '\\') text_put(t, "\\");
        if (c < ' ' || c > '~') c = '?';
        text_bytes(t, &c, 1);
    }
    text_put(t, "\"");
}

int text_below(struct mqtt_text a, struct mqtt_text front, struct mqtt_text *last) {
    if (a.bytes <= front.bytes || memcmp(a.at, front.at, front.bytes)) return 0;
    *last = (struct mqtt_text){a.at + front.bytes, a.bytes - front.bytes};
    return !memchr(last->at, '/', last->bytes);
}

uint32_t text_value(const char *at, uint32_t bytes) {
    uint32_t value = 0;
    if (!bytes || bytes > 9) return ~0u;
    for (uint32_t i = 0; i < bytes; i++) {
        if (at[i] < '0' || at[i] > '9') return ~0u;
        value = value * 10 + (uint32_t)(at[i] - '0');
    }
    return value;
}

int text_unhex(const char *at, uint32_t digits, uint8_t *to, uint32_t bytes) {
    if (digits != 2 * bytes) return 0;
    for (uint32_t i = 0; i < digits; i++) {
        uint32_t c = (uint8_t)at[i], n = c - '0' < 10 ? c - '0' : c - 'a' < 6 ? c - 'a' + 10 : 16;
        if (n > 15) return 0;
        to[i / 2] = (uint8_t)(i & 1 ? to[i / 2] | n : n << 4);
    }
    return 1;
}

int text_same(struct mqtt_text a, const char *word) {
    return a.bytes == strlen(word) && !memcmp(a.at, word, a.bytes);
}
