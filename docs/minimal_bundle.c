/* Writes a bundle of format 1 with one scene of two tiles: see docs/link.md.
 *
 * cc -std=c99 -O2 -o minimal_bundle docs/minimal_bundle.c && ./minimal_bundle > sat-7.shlb
 *
 * Nothing but the C library is needed. Bytes are put in the order of the format, so that nothing
 * depends on the processor's; doubles must be those of IEEE 754. Codes are 8 bytes of a model
 * whose lineage is aaaaaaaaaaaaaaaa.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* BLAKE2b (RFC 7693), without a key. */
static const uint64_t IV[8] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};
static const uint8_t SIGMA[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
    {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
    {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
    {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
    {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};

static uint64_t turned(uint64_t value, int by) { return value >> by | value << (64 - by); }

static void mix(uint64_t *v, int a, int b, int c, int d, uint64_t x, uint64_t y) {
    v[a] += v[b] + x;
    v[d] = turned(v[d] ^ v[a], 32);
    v[c] += v[d];
    v[b] = turned(v[b] ^ v[c], 24);
    v[a] += v[b] + y;
    v[d] = turned(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = turned(v[b] ^ v[c], 63);
}

static void compress(uint64_t *h, const uint8_t *block, uint64_t count, int is_last) {
    uint64_t v[16], m[16];
    for (int i = 0; i < 16; i++) {
        m[i] = 0;
        for (int j = 7; j >= 0; j--) m[i] = m[i] << 8 | block[8 * i + j];
        v[i] = i < 8 ? h[i] : IV[i - 8];
    }
    v[12] ^= count;
    if (is_last) v[14] = ~v[14];
    for (int round = 0; round < 12; round++) {
        const uint8_t *s = SIGMA[round % 10];
        for (int i = 0; i < 4; i++)
            mix(v, i, 4 + i, 8 + i, 12 + i, m[s[2 * i]], m[s[2 * i + 1]]);
        for (int i = 0; i < 4; i++)
            mix(v, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[s[8 + 2 * i]],
                m[s[9 + 2 * i]]);
    }
    for (int i = 0; i < 8; i++) h[i] ^= v[i] ^ v[8 + i];
}

static void blake2b(uint8_t *out, int size, const uint8_t *data, size_t count) {
    uint64_t h[8];
    size_t done = 0;
    memcpy(h, IV, sizeof h);
    h[0] ^= 0x01010000u ^ (uint64_t)size;
    while (count - done > 128) {
        compress(h, data + done, done + 128, 0);
        done += 128;
    }
    uint8_t last[128] = {0};
    memcpy(last, data + done, count - done);
    compress(h, last, count, 1);
    for (int i = 0; i < size; i++) out[i] = (uint8_t)(h[i / 8] >> 8 * (i % 8));
}

/* What is put together: enough for this example. */
typedef struct {
    uint8_t data[4096];
    size_t count;
} Bytes;

static void byte(Bytes *to, int value) { to->data[to->count++] = (uint8_t)value; }

static void raw(Bytes *to, const void *data, size_t count) {
    memcpy(to->data + to->count, data, count);
    to->count += count;
}

static void little(Bytes *to, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++) byte(to, (int)(value >> 8 * i & 255));
}

static void real(Bytes *to, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    little(to, bits, 8);
}

static void number(Bytes *to, uint64_t value) {
    for (; value > 127; value >>= 7) byte(to, (int)(value & 127) | 128);
    byte(to, (int)value);
}

static void signed_number(Bytes *to, int64_t value) {
    number(to, value >= 0 ? 2 * (uint64_t)value : 2 * (uint64_t)-(value + 1) + 1);
}

static void text(Bytes *to, const char *words) {
    number(to, strlen(words));
    raw(to, words, strlen(words));
}

static void digest(Bytes *to, int size, const Bytes *of) {
    uint8_t found[16];
    blake2b(found, size, of->data, of->count);
    raw(to, found, (size_t)size);
}

/* The tree of one scene: a leaf of its first row and its digest, 8 bytes. */
static void tree(Bytes *to, uint64_t first_row, const Bytes *scene) {
    Bytes leaf = {{0}, 0};
    little(&leaf, first_row, 8);
    digest(&leaf, 8, scene);
    number(to, 256);
    number(to, 1);
    digest(to, 8, &leaf);
}

#define TILES 2
static const int64_t WINDOWS[TILES][4] = {{0, 0, 256, 256}, {256, 0, 256, 256}};
static const double FOOTPRINTS[TILES][4][2] = {
    {{8.0, 47.0}, {8.1, 47.0}, {8.1, 46.9}, {8.0, 46.9}},
    {{8.1, 47.0}, {8.2, 47.0}, {8.2, 46.9}, {8.1, 46.9}}};
static const uint8_t CODES[TILES][8] = {
    {0, 1, 2, 3, 4, 5, 6, 7}, {8, 9, 10, 11, 12, 13, 14, 15}};
static const char *LINEAGE = "aaaaaaaaaaaaaaaa", *PATH = "/orbit/1042.tif", *LABEL = "harbor";
static const int64_t TIME = 1800000000;

static Bytes state, tiles, scene, annotation, mark, places, head, packed;

static void line(int kind, const Bytes *block) {
    byte(&head, kind);
    byte(&head, 0);
    number(&head, block->count);
    number(&head, block->count);
    digest(&head, 16, block);
}

int main(void) {
    uint8_t content[16], store[16];
    for (int i = 0; i < 16; i++) content[i] = (uint8_t)i, store[i] = (uint8_t)(255 - i);
    for (int tile = 0; tile < TILES; tile++)
        for (int corner = 0; corner < 4; corner++) {
            real(&places, FOOTPRINTS[tile][corner][0]);
            real(&places, FOOTPRINTS[tile][corner][1]);
        }

    /* The scene's digest, and that of its annotation. */
    raw(&scene, content, 16);
    real(&scene, (double)TIME);
    for (int tile = 0; tile < TILES; tile++)
        for (int side = 0; side < 4; side++) little(&scene, (uint64_t)WINDOWS[tile][side], 8);
    raw(&scene, places.data, places.count);
    raw(&scene, CODES, sizeof CODES);
    text(&annotation, PATH);
    number(&annotation, 1);
    text(&annotation, LABEL);

    /* Block 1: how far this store is. */
    text(&state, LINEAGE);
    number(&state, 8);
    text(&state, "a-model");
    number(&state, TILES);
    number(&state, 0);
    number(&state, 0);
    tree(&state, 0, &scene);
    tree(&state, 0, &annotation);

    /* Block 5: the tiles. */
    raw(&mark, LINEAGE, strlen(LINEAGE));
    raw(&mark, "-64", 3);
    digest(&tiles, 8, &mark);
    number(&tiles, 1);
    number(&tiles, 1);
    text(&tiles, "{}");
    number(&tiles, 1);
    number(&tiles, 1);
    text(&tiles, LABEL);
    signed_number(&tiles, 0);
    number(&tiles, TILES);
    number(&tiles, 0);
    number(&tiles, TILES);
    raw(&tiles, content, 16);
    byte(&tiles, 1);
    signed_number(&tiles, TIME);
    number(&tiles, 0);
    number(&tiles, 0);
    number(&tiles, 0);
    text(&tiles, PATH);
    for (int side = 0; side < 4; side++)
        for (int tile = 0; tile < TILES; tile++)
            signed_number(&tiles, WINDOWS[tile][side] - (tile ? WINDOWS[tile - 1][side] : 0));
    byte(&tiles, 1);
    raw(&tiles, places.data, places.count);
    raw(&tiles, CODES, sizeof CODES);

    raw(&head, store, 16);
    number(&head, 1);
    text(&head, "sat-7");
    text(&head, "ground");
    number(&head, 2);
    line(1, &state);
    line(5, &tiles);
    Bytes before = head;
    digest(&head, 8, &before);

    raw(&packed, "SHLB\1\0", 6);
    little(&packed, head.count, 2);
    little(&packed, 0, 2);
    raw(&packed, head.data, head.count);
    raw(&packed, state.data, state.count);
    raw(&packed, tiles.data, tiles.count);
    return fwrite(packed.data, 1, packed.count, stdout) != packed.count;
}
