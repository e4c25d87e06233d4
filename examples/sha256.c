// SHA-256 (FIPS 180-4) of the standard's example messages, each compared with its digest.
// Argument: hash that many letters 'a' as well (the standard's third example has 1000000).
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 64, DIGEST_SIZE = 32 };

struct sha256 {
  uint32_t state[8];
  uint64_t length;
  uint8_t block[BLOCK_SIZE];
};

// FIPS 180-4, section 4.2.2.
static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotate_right(uint32_t value, unsigned bits) {
  return value >> bits | value << (32 - bits);
}

static void compress(struct sha256 *hash) {
  uint32_t w[64];
  for (int t = 0; t < 16; t++)
    w[t] = (uint32_t)hash->block[4 * t] << 24 | (uint32_t)hash->block[4 * t + 1] << 16 |
           (uint32_t)hash->block[4 * t + 2] << 8 | hash->block[4 * t + 3];
  for (int t = 16; t < 64; t++) {
    uint32_t s0 = rotate_right(w[t - 15], 7) ^ rotate_right(w[t - 15], 18) ^ w[t - 15] >> 3;
    uint32_t s1 = rotate_right(w[t - 2], 17) ^ rotate_right(w[t - 2], 19) ^ w[t - 2] >> 10;
    w[t] = w[t - 16] + s0 + w[t - 7] + s1;
  }
  uint32_t a = hash->state[0], b = hash->state[1], c = hash->state[2], d = hash->state[3];
  uint32_t e = hash->state[4], f = hash->state[5], g = hash->state[6], h = hash->state[7];
  for (int t = 0; t < 64; t++) {
    uint32_t sum1 = rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25);
    uint32_t choice = (e & f) ^ (~e & g);
    uint32_t t1 = h + sum1 + choice + constants[t] + w[t];
    uint32_t sum0 = rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22);
    uint32_t majority = (a & b) ^ (a & c) ^ (b & c);
    h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + sum0 + majority;
  }
  hash->state[0] += a, hash->state[1] += b, hash->state[2] += c, hash->state[3] += d;
  hash->state[4] += e, hash->state[5] += f, hash->state[6] += g, hash->state[7] += h;
}

static void start(struct sha256 *hash) {
  // FIPS 180-4, section 5.3.3.
  static const uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  memcpy(hash->state, initial, sizeof initial);
  hash->length = 0;
}

static void update(struct sha256 *hash, const void *data, size_t size) {
  const uint8_t *bytes = data;
  while (size > 0) {
    size_t used = hash->length % BLOCK_SIZE;
    size_t taken = size < BLOCK_SIZE - used ? size : BLOCK_SIZE - used;
    memcpy(hash->block + used, bytes, taken);
    hash->length += taken;
    bytes += taken;
    size -= taken;
    if (used + taken == BLOCK_SIZE)
      compress(hash);
  }
}

static void finish(struct sha256 *hash, uint8_t digest[DIGEST_SIZE]) {
  static const uint8_t padding[BLOCK_SIZE] = {0x80};
  uint64_t bits = hash->length * 8;
  size_t used = hash->length % BLOCK_SIZE;
  update(hash, padding, used < 56 ? 56 - used : 120 - used);
  uint8_t length[8];
  for (int i = 0; i < 8; i++)
    length[i] = (uint8_t)(bits >> (56 - 8 * i));
  update(hash, length, sizeof length);
  for (int i = 0; i < DIGEST_SIZE; i++)
    digest[i] = (uint8_t)(hash->state[i / 4] >> (24 - 8 * (i % 4)));
}

static void digest_text(struct sha256 *hash, char text[2 * DIGEST_SIZE + 1]) {
  uint8_t digest[DIGEST_SIZE];
  finish(hash, digest);
  for (int i = 0; i < DIGEST_SIZE; i++)
    sprintf(text + 2 * i, "%02x", digest[i]);
}

int main(int argc, char **argv) {
  static const struct {
    const char *message, *digest;
  } vectors[] = {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqr"
       "lmnopqrsmnopqrstnopqrstu",
       "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
  };
  struct sha256 hash;
  char text[2 * DIGEST_SIZE + 1];
  int failures = 0;
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
    start(&hash);
    update(&hash, vectors[i].message, strlen(vectors[i].message));
    digest_text(&hash, text);
    int equal = strcmp(text, vectors[i].digest) == 0;
    failures += !equal;
    printf("%s %3zu bytes: %s\n", text, strlen(vectors[i].message), equal ? "ok" : "WRONG");
  }
  unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
  if (count > 0) {
    start(&hash);
    for (unsigned long i = 0; i < count; i++)
      update(&hash, "a", 1);
    digest_text(&hash, text);
    printf("%s %lu letters\n", text, count);
  }
  return failures != 0;
}
