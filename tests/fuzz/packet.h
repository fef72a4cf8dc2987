/* SMP packets for the fuzzed agent: a header whose length is right, and CBOR as it is written. */
enum { PACKET_MAX = 640 };

static struct {
    u8 bytes[PACKET_MAX + 16];
    u32 length;
} packet;

static void packet_begin(u32 group, u32 id, u32 write) {
    const u8 header[8] = {(u8)(8 | (write ? 2 : 0)), 0, 0, 0, (u8)(group >> 8), (u8)group, 7, (u8)id};
    memcpy(packet.bytes, header, 8);
    packet.length = 8;
}
static void add(const void *bytes, u32 length) {
    if (length > PACKET_MAX - packet.length) length = PACKET_MAX - packet.length;
    memcpy(packet.bytes + packet.length, bytes, length);
    packet.length += length;
}
static void head(u32 major, u32 value) {
    const u8 wide[5] = {(u8)(major << 5 | 26), (u8)(value >> 24), (u8)(value >> 16), (u8)(value >> 8), (u8)value};
    const u8 narrow = (u8)(major << 5 | value);
    if (value < 24) add(&narrow, 1);
    else add(wide, 5);
}
static void text(const char *word) {
    head(3, (u32)strlen(word));
    add(word, (u32)strlen(word));
}
static void number(const char *key, u32 value) {
    text(key);
    head(0, value);
}
static void string(const char *key, const u8 *bytes, u32 length) {
    text(key);
    head(2, length);
    add(bytes, length);
}

static u32 crc16(const u8 *bytes, u32 length) {
    u32 crc = 0;
    for (; length; length--) {
        crc ^= (u32)*bytes++ << 8;
        for (u32 bit = 0; bit < 8; bit++) crc = (crc << 1 ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
    }
    return crc;
}
