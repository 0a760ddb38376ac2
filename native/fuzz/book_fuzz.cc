#include "fuzz/subject.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return pinnacle::EndFuzzer(pinnacle::FuzzBook({data, size}));
}
