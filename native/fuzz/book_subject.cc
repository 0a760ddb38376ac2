#include "fuzz/subject.h"
#include "test/book_driver.h"

namespace pinnacle {

std::string FuzzBook(std::span<const uint8_t> input) { return RunBookOperations(input, 16); }

}  // namespace pinnacle
