/* The members of one flat object of JSON (RFC 8259), as the papers on a broker are: anybody may leave anything there, so what is not
 * read whole is nothing. */
#ifndef COUNTERSIGN_NET_JSON_H
#define COUNTERSIGN_NET_JSON_H
#include "mqtt.h"

enum json_type { JSON_NONE, JSON_STRING, JSON_NUMBER, JSON_OTHER };

struct json {
    const char *at, *end;
    int fault, begun;
};

struct json_member {
    struct mqtt_text name, value; /* strings without their quotes, and with their escapes */
    enum json_type type;
};

struct json json_in(const void *bytes, uint32_t length);
/* 0: there is no further one. All of it was read well if `fault` is 0 then. */
int json_next(struct json *, struct json_member *);
/* A whole number; ~0: it is none, or above 999999999. */
uint32_t json_number(const struct json_member *);
/* A string without its escapes: its length, 0: it has none, or none that is printable ASCII without blanks and fits. */
uint32_t json_word(const struct json_member *, char *to, uint32_t capacity);
#endif
