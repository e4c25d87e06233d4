// SHA-256 of 8 KiB.
// The example's own main is left out.
#define main static __attribute__((unused)) example_main
#include "../../examples/sha256.c"
#undef main

#include "rounds.h"

static uint8_t message[8 << 10];

static void prepare_rounds(void) {
  for (size_t i = 0; i < sizeof message; i++)
    message[i] = (uint8_t)(i * 31);
}

static uint64_t work(void) {
  struct sha256 hash;
  uint8_t digest[DIGEST_SIZE];
  start(&hash);
  update(&hash, message, sizeof message);
  finish(&hash, digest);
  message[0] ^= digest[0];
  return digest[1];
}
