// Replays the fuzzers' corpora, and some thousand inputs of random bytes, in the ordinary test run.
// An input that libFuzzer found goes into native/fuzz/corpus/<subject>/ with its fix.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

#include "doctest.h"
#include "fuzz/subject.h"

namespace pinnacle {

namespace {

struct Subject {
  const char* name;
  std::string (*run)(std::span<const uint8_t>);
};
constexpr Subject kSubjects[] = {
    {"book", FuzzBook}, {"entry", FuzzEntry}, {"scan", FuzzScan}, {"snapshot", FuzzSnapshot}};

// The tests run in the project's directory or below it.
std::filesystem::path Corpus() {
  for (std::filesystem::path at = std::filesystem::current_path(); at != at.root_path();
       at = at.parent_path()) {
    const std::filesystem::path corpus = at / "native" / "fuzz" / "corpus";
    if (std::filesystem::is_directory(corpus)) return corpus;
  }
  return {};
}

}  // namespace

TEST_CASE("every input of the fuzzers' corpora keeps its promises") {
  const std::filesystem::path corpus = Corpus();
  REQUIRE(!corpus.empty());
  for (const Subject& subject : kSubjects) {
    size_t inputs = 0;
    for (const auto& entry : std::filesystem::directory_iterator(corpus / subject.name)) {
      std::ifstream file(entry.path(), std::ios::binary);
      const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
      CAPTURE(entry.path().string());
      CHECK_EQ(subject.run({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}), "");
      ++inputs;
    }
    CAPTURE(subject.name);
    CHECK(inputs >= 4);
  }
}

TEST_CASE("random bytes keep the fuzzers' promises") {
  for (const Subject& subject : kSubjects) {
    std::mt19937_64 random(20);
    for (int run = 0; run < 300; ++run) {
      std::vector<uint8_t> bytes(random() % 600);
      for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
      CAPTURE(subject.name);
      CAPTURE(run);
      CHECK_EQ(subject.run(bytes), "");
    }
  }
}

}  // namespace pinnacle
