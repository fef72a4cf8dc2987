/* A flat object of JSON: see json.h. */
#include "json.h"
#include "text.h"

enum { DEPTH_MAX = 8 };

struct json json_in(const void *bytes, uint32_t length) {
    return (struct json){bytes, (const char *)bytes + length, 0, 0};
}

static void blanks(struct json *j) {
    while (j->at < j->end && (*j->at == ' ' || *j->at == '\t' || *j->at == '\n' || *j->at == '\r')) j->at++;
}

static int fail(struct json *j) {
    j->fault = 1;
    j->at = j->end;
    return 0;
}

static int take(struct json *j, char c) {
    blanks(j);
    if (j->at == j->end || *j->at != c) return 0;
    j->at++;
    return 1;
}

static int string(struct json *j, struct mqtt_text *text) {
    if (!take(j, '"')) return fail(j);
    text->at = j->at;
    for (; j->at < j->end && *j->at != '"'; j->at++) {
        if ((uint8_t)*j->at < ' ') return fail(j);
        if (*j->at == '\\' && ++j->at == j->end) return fail(j);
    }
    if (j->at == j->end) return fail(j);
    text->bytes = (uint32_t)(j->at++ - text->at);
    return 1;
}

/* Past an array or an object: its brackets are counted, its strings are stepped over. */
static int nested(struct json *j) {
    struct mqtt_text skipped;
    uint32_t depth = 0;
    do {
        blanks(j);
        if (j->at == j->end) return fail(j);
        if (*j->at == '"') {
            if (!string(j, &skipped)) return 0;
            continue;
        }
        char c = *j->at++;
        if ((c == '{' || c == '[') && ++depth > DEPTH_MAX) return fail(j);
        if (c == '}' || c == ']') depth--;
    } while (depth);
    return 1;
}

static int value(struct json *j, struct json_member *m) {
    blanks(j);
    if (j->at == j->end) return fail(j);
    char first = *j->at;
    if (first == '"') {
        m->type = JSON_STRING;
        return string(j, &m->value);
    }
    m->value.at = j->at;
    m->type = first == '-' || (first >= '0' && first <= '9') ? JSON_NUMBER : JSON_OTHER;
    if (first == '{' || first == '[') {
        if (!nested(j)) return 0;
    } else {
        while (j->at < j->end && *j->at != ',' && *j->at != '}' && *j->at != ' ' && (uint8_t)*j->at > ' ') j->at++;
    }
    m->value.bytes = (uint32_t)(j->at - m->value.at);
    return m->value.bytes ? 1 : fail(j);
}

int json_next(struct json *j, struct json_member *m) {
    if (j->fault) return 0;
    if (!j->begun) {
        if (!take(j, '{')) return fail(j);
    }
    if (take(j, '}')) {
        blanks(j);
        if (j->at != j->end) fail(j);
        j->begun = 1;
        return 0;
    }
    if (j->begun && !take(j, ',')) return fail(j);
    j->begun = 1;
    m->type = JSON_NONE;
    if (!string(j, &m->name) || !take(j, ':')) return fail(j);
    return value(j, m);
}

uint32_t json_number(const struct json_member *m) {
    return m->type == JSON_NUMBER ? text_value(m->value.at, m->value.bytes) : ~0u;
}

uint32_t json_word(const struct json_member *m, char *to, uint32_t capacity) {
    uint32_t length = 0;
    if (m->type != JSON_STRING) return 0;
    for (uint32_t i = 0; i < m->value.bytes; i++) {
        char c = m->value.at[i];
        if (c == '\\') {
            c = m->value.at[++i];
            if (c != '"' && c != '\\' && c != '/') return 0;
        }
        if (c <= ' ' || c > '~' || length == capacity) return 0;
        to[length++] = c;
    }
    return length;
}
