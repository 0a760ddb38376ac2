// Book operations from any bytes, against the naive reference.
#include <cstdio>
#include <cstdlib>

#include "book/book_driver.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string difference = pinnacle::RunBookOperations({data, size}, 16);
  if (!difference.empty()) {
    std::fprintf(stderr, "%s\n", difference.c_str());
    std::abort();
  }
  return 0;
}
