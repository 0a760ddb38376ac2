// What the machine itself can do, to compare the benchmarks with. bench/limits.ts starts it and
// requests one round at a time, interleaved with the rounds of everything else.
//
// Reads one question a line from standard input and answers each with one number:
//   append N
//       ns a record: N records of 64 bytes with their CRC32C stored into a prefaulted mapping
//   durable N
//       µs each: N times pwrite of 64 bytes into a written file and fdatasync
//   memory THREADS
//       bytes a second: THREADS threads together read a buffer that fits no cache
//   apply FILE
//       ns an operation: check and apply of the file's operations on empty books
//   read DIRECTORY
//       bytes a second: one core reads a data directory's segments, and does nothing with them
//   verify THREADS DIRECTORY
//       bytes a second: every entry of a data directory's journal verified by THREADS threads
//   replay ORDERS DIRECTORY
//       entries a second: verified, decoded and applied to books, by one core
// An error is reported on standard error and ends the program. Usage: limits_bench DIRECTORY
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "bench/operations_file.h"
#include "checksum/crc32c.h"
#include "engine/recovery.h"
#include "journal/layout.h"
#include "journal/scan.h"
#include "journal/segment_header.h"
#include "journal/segment_reader.h"
#include "platform/environment.h"
#include "platform/table_memory.h"
#include "state/book_set.h"

namespace pinnacle {
namespace {

constexpr uint64_t kLine = 64;

double Nanoseconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double, std::nano>(duration).count();
}

[[noreturn]] void Stop(const std::string& what) {
  std::cerr << "limits_bench: " << what << '\n';
  std::exit(1);
}

// Equals `fdatasync` on Linux; macOS is only durable with F_FULLFSYNC.
bool SyncData(int descriptor) {
#if defined(__APPLE__)
  return fcntl(descriptor, F_FULLFSYNC) == 0;
#else
  return fdatasync(descriptor) == 0;
#endif
}

// A file written to its end, like a segment, with its pages in single folios.
std::string WrittenFile(const std::string& path, uint64_t bytes) {
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (descriptor < 0) Stop("cannot create " + path);
  const std::vector<uint8_t> zeros(4096);
  for (uint64_t at = 0; at < bytes; at += zeros.size()) {
    if (pwrite(descriptor, zeros.data(), zeros.size(), static_cast<off_t>(at)) !=
        static_cast<ssize_t>(zeros.size())) {
      Stop("cannot write " + path);
    }
  }
  if (!SyncData(descriptor)) Stop("cannot sync " + path);
  close(descriptor);
  return path;
}

// The loop that a journal append can't beat: one line assembled, checksummed, stored.
class AppendLimit {
 public:
  static constexpr uint64_t kFileBytes = 64ull * 1024 * 1024;

  explicit AppendLimit(const std::string& directory) {
    const std::string path = WrittenFile(directory + "/limit.append", kFileBytes);
    std::unique_ptr<File> file;
    const Status opened = FileSystem::Real()->Open(path, OpenMode::kReadWrite, &file);
    if (!opened.ok() || !file->Map(&mapping_).ok()) Stop("cannot map " + path);
  }

  double Round(uint64_t count) {
    if (count * kLine > kFileBytes) Stop("append: more records than the file holds");
    if (at_ + count * kLine > kFileBytes) at_ = 0;
    mapping_->Prefault(at_, count * kLine);
    uint64_t* words = reinterpret_cast<uint64_t*>(mapping_->data() + at_);
    const auto start = std::chrono::steady_clock::now();
    for (uint64_t i = 0; i < count; ++i, words += 8) {
      const uint64_t* payload = payload_ + (i & 511) * 4;
      ++sequence_;
      uint64_t line[8] = {32, sequence_, 1, payload[0], payload[1], payload[2], payload[3], 1};
      line[7] |= uint64_t{Crc32cLine(7, reinterpret_cast<const uint8_t*>(line))} << 32;
      for (size_t word = 0; word < 7; ++word) words[word] = line[word];
      __atomic_store_n(words + 7, line[7], __ATOMIC_RELEASE);
    }
    const double ns = Nanoseconds(std::chrono::steady_clock::now() - start);
    at_ += count * kLine;
    return ns / static_cast<double>(count);
  }

 private:
  std::unique_ptr<Mapping> mapping_;
  uint64_t at_ = 0;
  uint64_t sequence_ = 0;
  uint64_t payload_[512 * 4] = {};
};

class DurableLimit {
 public:
  explicit DurableLimit(const std::string& directory)
      : descriptor_(
            open(WrittenFile(directory + "/limit.durable", kFileBytes).c_str(), O_RDWR, 0600)) {
    if (descriptor_ < 0) Stop("cannot open the written file");
  }
  ~DurableLimit() { close(descriptor_); }
  DurableLimit(const DurableLimit&) = delete;
  DurableLimit& operator=(const DurableLimit&) = delete;

  // The median of `count`.
  double Round(uint64_t count) {
    const std::vector<uint8_t> line(kLine, 0x5a);
    std::vector<double> times;
    for (uint64_t i = 0; i < count; ++i) {
      const auto start = std::chrono::steady_clock::now();
      if (pwrite(descriptor_, line.data(), line.size(), static_cast<off_t>(at_)) !=
              static_cast<ssize_t>(line.size()) ||
          !SyncData(descriptor_)) {
        Stop("pwrite and fdatasync failed");
      }
      times.push_back(Nanoseconds(std::chrono::steady_clock::now() - start) / 1e3);
      at_ = (at_ + kLine) % kFileBytes;
    }
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
  }

 private:
  static constexpr uint64_t kFileBytes = 16ull * 1024 * 1024;
  int descriptor_;
  uint64_t at_ = 0;
};

class MemoryLimit {
 public:
  MemoryLimit() { std::memset(memory_.data(), 3, kBytes); }

  // Bytes a second of `threads` threads together, each with its part of the memory.
  double Round(uint64_t threads) {
    const size_t part = kBytes / sizeof(uint64_t) / threads / 16 * 16;
    std::vector<uint64_t> sums(threads);
    const auto start = std::chrono::steady_clock::now();
    std::vector<std::thread> others;
    for (size_t i = 1; i < threads; ++i) {
      others.emplace_back([&, i] { sums[i] = Sum(i * part, part); });
    }
    sums[0] = Sum(0, part);
    for (std::thread& other : others) other.join();
    const double ns = Nanoseconds(std::chrono::steady_clock::now() - start);
    for (const uint64_t sum : sums) checksum_ += sum;
    return static_cast<double>(threads * part * sizeof(uint64_t)) / ns * 1e9;
  }
  uint64_t checksum() const { return checksum_; }

 private:
  static constexpr size_t kBytes = size_t{512} << 20;

  // Sixteen sums, so that the additions do not wait for each other.
  uint64_t Sum(size_t first, size_t count) const {
    const uint64_t* at = static_cast<const uint64_t*>(memory_.data()) + first;
    uint64_t sums[16] = {};
    for (const uint64_t* end = at + count; at != end; at += 16) {
      for (size_t i = 0; i < 16; ++i) sums[i] += at[i];
    }
    uint64_t all = 0;
    for (const uint64_t sum : sums) all += sum;
    return all;
  }

  // Huge pages: the limit should be the memory, not the page tables of small pages.
  TableMemory memory_{kBytes, TableMemory::Pages::kPresent};
  uint64_t checksum_ = 0;
};

class ApplyLimit {
 public:
  double Round(const std::string& path) {
    if (path != path_) {
      if (!ReadOperations(path, &operations_)) Stop("cannot read operations from " + path);
      path_ = path;
    }
    BookSet books(65536);
    for (uint16_t i = 1; i <= InstrumentsOf(operations_); ++i) {
      books.Define(Instrument{std::to_string(i), 2, 0, InstrumentKind::kOrders}, i);
    }
    uint64_t sequence = 100;
    const auto start = std::chrono::steady_clock::now();
    for (const Operation& operation : operations_) {
      BookSet::Prepared prepared;
      if (books.Check(operation, &prepared) != Code::kOk) Stop("a book refused an operation");
      ++sequence;
      books.Apply(operation, prepared, sequence, sequence);
    }
    return Nanoseconds(std::chrono::steady_clock::now() - start) /
           static_cast<double>(operations_.size());
  }

 private:
  std::string path_;
  std::vector<Operation> operations_;
};

// Bytes a second. Chunks have the verifier's size, which fits the second-level cache.
double ReadSegments(const std::string& data_directory) {
  std::vector<SegmentFile> files;
  const Status listed = ListSegments(FileSystem::Real(), JournalDirectory(data_directory), &files);
  if (!listed.ok()) Stop(std::string(listed.message()));
  std::vector<uint8_t> buffer(SegmentReader::kChunkBytes);
  uint64_t bytes = 0;
  const auto start = std::chrono::steady_clock::now();
  for (const SegmentFile& segment : files) {
    std::unique_ptr<File> file;
    if (!FileSystem::Real()->Open(segment.path, OpenMode::kRead, &file).ok()) {
      Stop("cannot open " + segment.path);
    }
    size_t bytes_read = buffer.size();
    for (uint64_t at = 0; bytes_read == buffer.size(); at += bytes_read) {
      if (!file->Read(at, buffer, &bytes_read).ok()) Stop("cannot read " + segment.path);
      bytes += bytes_read;
    }
  }
  return static_cast<double>(bytes) / Nanoseconds(std::chrono::steady_clock::now() - start) * 1e9;
}

// Bytes a second.
double Verify(uint64_t threads, const std::string& data_directory) {
  ScanOptions options;
  options.all_segments = true;
  options.threads = threads == 1 ? 0 : static_cast<unsigned>(threads);
  ScanResult result;
  const auto start = std::chrono::steady_clock::now();
  const Status status =
      ScanJournal(FileSystem::Real(), JournalDirectory(data_directory), options, nullptr, &result);
  const double ns = Nanoseconds(std::chrono::steady_clock::now() - start);
  if (!status.ok()) Stop(std::string(status.message()));
  if (result.entries == 0 || result.verdict.tail != Tail::kClean) Stop("not a sound journal");
  return static_cast<double>(result.bytes_read) / ns * 1e9;
}

// Entries a second.
double ReplayOnOneCore(const std::string& data_directory, uint64_t expected_orders) {
  Environment environment = Environment::Real();
  environment.worker_threads = 0;
  RecoveredState state;
  RecoveryReport report;
  const auto start = std::chrono::steady_clock::now();
  const Status status =
      ReadState(environment, data_directory, {expected_orders, false}, nullptr, &state, &report);
  const double ns = Nanoseconds(std::chrono::steady_clock::now() - start);
  if (!status.ok()) Stop(std::string(status.message()));
  return static_cast<double>(report.entries_replayed) / ns * 1e9;
}

// Each is created at its first question.
template <typename Limit, typename... Arguments>
Limit& Made(std::unique_ptr<Limit>* limit, const Arguments&... arguments) {
  if (!*limit) *limit = std::make_unique<Limit>(arguments...);
  return **limit;
}

int Answer(const std::string& directory) {
  std::unique_ptr<AppendLimit> append;
  std::unique_ptr<DurableLimit> durable;
  std::unique_ptr<MemoryLimit> memory;
  std::unique_ptr<ApplyLimit> apply;
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream words(line);
    std::string question;
    words >> question;
    double answer = 0;
    if (question == "append" || question == "durable") {
      uint64_t count = 0;
      words >> count;
      if (count == 0) Stop("how many? " + line);
      answer = question == "append" ? Made(&append, directory).Round(count)
                                    : Made(&durable, directory).Round(count);
    } else if (question == "memory") {
      uint64_t threads = 0;
      words >> threads;
      if (threads == 0) Stop("how many threads? " + line);
      answer = Made(&memory).Round(threads);
    } else if (question == "apply") {
      std::string path;
      std::getline(words >> std::ws, path);
      answer = Made(&apply).Round(path);
    } else if (question == "read") {
      std::string path;
      std::getline(words >> std::ws, path);
      answer = ReadSegments(path);
    } else if (question == "verify") {
      uint64_t threads = 0;
      std::string path;
      words >> threads;
      if (threads == 0) Stop("how many threads? " + line);
      std::getline(words >> std::ws, path);
      answer = Verify(threads, path);
    } else if (question == "replay") {
      uint64_t expected_orders = 0;
      std::string path;
      words >> expected_orders;
      std::getline(words >> std::ws, path);
      answer = ReplayOnOneCore(path, expected_orders);
    } else {
      Stop("unknown question: " + line);
    }
    std::printf("%.6f\n", answer);
    std::fflush(stdout);
  }
  return memory && memory->checksum() == 0 ? 1 : 0;  // uses the sums, so they are computed
}

}  // namespace
}  // namespace pinnacle

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: limits_bench DIRECTORY\n";
    return 2;
  }
  return pinnacle::Answer(argv[1]);
}
