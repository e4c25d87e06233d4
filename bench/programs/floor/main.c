#include "measure.h"

volatile uint64_t measured_sum;

int main(void) {
  measure_allocation();
  measure_blocks();
  measure_mathematics();
  return 0;
}
