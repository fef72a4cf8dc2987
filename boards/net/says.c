/* What a device says of itself: the JSON of its state and of an alert, as docs/protocol.md has them. */
#include "station.h"

/* Names and texts of reasons are the reader's: they hang on the number alone (docs/reasons.md). */
static void put_reason(struct text *t, int32_t reason) {
    text_put(t, ",\"reason\":{\"code\":");
    text_number(t, (uint64_t)reason);
    text_put(t, reason ? ",\"name\":\"Unknown\",\"text\":\"see docs/reasons.md\"}" : ",\"name\":\"Ok\",\"text\":\"nothing is wrong\"}");
}

static void put_device(struct text *t) {
    if (!shown.device_bytes) return;
    text_put(t, ",\"device\":\"");
    text_hex(t, shown.device, shown.device_bytes);
    text_put(t, "\"");
}

struct text says_state(char at[SAYS_BYTES_MAX]) {
    struct text t = text_in(at, SAYS_BYTES_MAX);
    text_put(&t, "{\"version\":1");
    if (shown.state >= 0) text_put(&t, ",\"state\":"), text_number(&t, (uint64_t)shown.state);
    if (shown.reason >= 0) put_reason(&t, shown.reason);
    put_device(&t);
    if (shown.version_bytes) text_put(&t, ",\"firmwareVersion\":"), text_json(&t, shown.version, shown.version_bytes);
    if (shown.digest_bytes) {
        text_put(&t, ",\"digest\":\"");
        text_hex(&t, shown.digest, shown.digest_bytes);
        text_put(&t, "\"");
    }
    if (shown.progress >= 0) text_put(&t, ",\"progress\":"), text_number(&t, (uint64_t)shown.progress);
    if (shown.device_bytes) {
        text_put(&t, ",\"approvals\":[");
        for (uint32_t i = 0; i < shown.approvals; i++) {
            text_put(&t, i ? ",{\"kid\":\"" : "{\"kid\":\"");
            text_hex(&t, shown.approval[i].kid, shown.approval[i].kid_bytes);
            text_put(&t, "\",\"sequence\":\"");
            text_number(&t, shown.approval[i].sequence);
            text_put(&t, "\"}");
        }
        text_put(&t, "]");
    }
    if (shown.change) {
        text_put(&t, ",\"change\":\"");
        text_number(&t, shown.change);
        text_put(&t, "\"");
    }
    for (uint32_t i = 0; i < shown.groups; i++) {
        text_put(&t, i ? "," : ",\"groups\":[");
        text_json(&t, shown.group[i], (uint32_t)strlen(shown.group[i]));
    }
    text_put(&t, shown.groups ? "]}" : "}");
    return t;
}

struct text says_alert(char at[SAYS_BYTES_MAX], const uint8_t *alert, uint32_t alert_bytes) {
    static const char *const operations[] = {"none", "download", "update", "downloadandupdate"};
    struct text t = text_in(at, SAYS_BYTES_MAX);
    struct packet_view view;
    if (!packet_read(alert, alert_bytes, &view)) t.whole = 0;
    if (!t.whole) return t;
    struct cbor_item n = packet_member(&view, "n"), type = packet_member(&view, "type"), uri = packet_member(&view, "uri");
    struct cbor_item result = packet_member(&view, "result"), reason = packet_member(&view, "reason"), correlator = packet_member(&view, "corr");
    text_put(&t, "{\"version\":1");
    put_device(&t);
    text_put(&t, ",\"number\":");
    text_number(&t, n.type == CBOR_UINT ? n.value : 0);
    text_put(&t, ",\"operation\":\"");
    text_put(&t, operations[type.type == CBOR_UINT && type.value < 4 ? type.value : 0]);
    text_put(&t, "\"");
    if (uri.type == CBOR_TEXT) text_put(&t, ",\"uri\":"), text_json(&t, (const char *)uri.bytes, (uint32_t)uri.value);
    if (result.type == CBOR_UINT) text_put(&t, ",\"result\":"), text_number(&t, result.value);
    put_reason(&t, reason.type == CBOR_UINT ? (int32_t)reason.value : 0);
    if (correlator.type == CBOR_TEXT) text_put(&t, ",\"correlator\":"), text_json(&t, (const char *)correlator.bytes, (uint32_t)correlator.value);
    text_put(&t, "}");
    return t;
}
