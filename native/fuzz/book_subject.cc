#include "book/book_driver.h"
#include "fuzz/subject.h"

namespace pinnacle {

std::string FuzzBook(std::span<const uint8_t> input) { return RunBookOperations(input, 16); }

}  // namespace pinnacle
