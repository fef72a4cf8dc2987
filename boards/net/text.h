/* Text that is put together in a buffer of fixed size: topics and JSON. What does not fit shows in `whole`, once, at the end. */
#ifndef COUNTERSIGN_NET_TEXT_H
#define COUNTERSIGN_NET_TEXT_H
#include <stdint.h>
#include <string.h>
#include "mqtt.h"

struct text {
    char *at;
    uint32_t bytes, capacity;
    int whole;
};

static inline struct text text_in(char *at, uint32_t capacity) {
    return (struct text){at, 0, capacity, 1};
}

void text_bytes(struct text *t, const void *from, uint32_t bytes);

void text_put(struct text *t, const char *word);

void text_number(struct text *t, uint64_t value);

void text_hex(struct text *t, const uint8_t *bytes, uint32_t length);

/* A string of JSON. What would need more than a backslash is shown as "?": nothing of ours has it. */
void text_json(struct text *t, const char *from, uint32_t length);

static inline struct mqtt_text text_of(const struct text *t) {
    return (struct mqtt_text){t->at, t->bytes};
}

static inline struct mqtt_text text_word(const char *word) {
    return (struct mqtt_text){word, (uint32_t)strlen(word)};
}

int text_same(struct mqtt_text a, const char *word);

/* Is `a` what `front` says, and one more level, which is left in *last? */
int text_below(struct mqtt_text a, struct mqtt_text front, struct mqtt_text *last);

/* Decimal; ~0: it is none, or too large. */
uint32_t text_value(const char *at, uint32_t bytes);

/* Lower-case hex into exactly so many bytes. */
int text_unhex(const char *at, uint32_t digits, uint8_t *to, uint32_t bytes);
#endif
