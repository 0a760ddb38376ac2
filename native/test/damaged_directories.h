// Data directories written by an engine and then damaged, and what is found in one: for the tests
// of interrupted repairs.
#ifndef PINNACLE_TEST_DAMAGED_DIRECTORIES_H_
#define PINNACLE_TEST_DAMAGED_DIRECTORIES_H_

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "doctest.h"
#include "engine/engine.h"
#include "journal/layout.h"
#include "journal/scan.h"
#include "platform/path_parts.h"
#include "simulator/simulated_environment.h"

namespace pinnacle {

inline EngineOptions SmallOptions(RecoveryPolicy policy = RecoveryPolicy::kStrict) {
  EngineOptions options;
  options.data_directory = "/d";
  options.journal.segment_bytes = kMinSegmentBytes;
  options.durability = Durability::kAppended;
  options.policy = policy;
  return options;
}

inline DiskImage ImageOf(SimulatedFileSystem& files, PowerCutOptions::Unsynced unsynced) {
  DeterministicRandom random(1);
  return files.PowerCut(random, {.unsynced = unsynced});
}

// An engine's run: instrument 1, orders, payloads that fill segments, and snapshots in between.
class SoundDirectory {
 public:
  SoundDirectory() : world_(77) {
    Open(RecoveryPolicy::kStrict);
    uint16_t index = 0;
    REQUIRE(engine_->DefineInstrument({"A", 2, 0, InstrumentKind::kOrders}, &index).ok());
  }

  SoundDirectory& Orders(int count) {
    for (int i = 0; i < count; ++i) {
      world_.clock().Advance(1000);
      ++next_id_;
      Apply({EntryType::kAdd,
             1,
             next_id_ % 2 == 0 ? Side::kBuy : Side::kSell,
             {next_id_, 0},
             {},
             static_cast<int64_t>(100 + next_id_ % 7),
             5});
      if (next_id_ % 3 == 0) Apply({EntryType::kExecute, 1, Side::kBuy, {next_id_, 0}, {}, 0, 2});
    }
    return *this;
  }
  SoundDirectory& Payloads(int count) {
    for (int i = 0; i < count; ++i) {
      const std::vector<uint8_t> payload(9000 + 7 * next_id_, static_cast<uint8_t>(next_id_));
      uint64_t sequence = 0;
      REQUIRE(engine_->AppendPayload(3, 0, 0, payload.data(), static_cast<uint32_t>(payload.size()),
                                     &sequence) == Code::kOk);
    }
    return *this;
  }
  SoundDirectory& Snapshot() {
    SnapshotInfo info;
    const std::vector<uint8_t> user_state(30, static_cast<uint8_t>(engine_->appended()));
    const Status status = engine_->BuildSnapshot(engine_->FixSnapshotPoint(), user_state, &info);
    REQUIRE_MESSAGE(status.ok(), status.ToString());
    return *this;
  }
  DiskImage Close() {
    REQUIRE(engine_->Close().ok());
    engine_.reset();
    return ImageOf(world_.file_system(), PowerCutOptions::Unsynced::kNothing);
  }
  uint64_t appended() const { return engine_->appended(); }

 private:
  void Open(RecoveryPolicy policy) {
    RecoveryReport report;
    REQUIRE(
        Engine::Open(world_.environment(), SmallOptions(policy), nullptr, &engine_, &report).ok());
  }
  void Apply(const Operation& operation) {
    uint64_t sequence = 0;
    REQUIRE(engine_->Apply(operation, 0, &sequence) == Code::kOk);
  }

  SimulatedEnvironment world_;
  std::unique_ptr<Engine> engine_;
  uint64_t next_id_ = 0;
};

using Contents = std::map<std::string, std::vector<uint8_t>>;

inline Contents ContentsOf(const DiskImage& disk) {
  Contents contents;
  for (const auto& [path, file] : disk.files) contents[path] = file.Bytes();
  return contents;
}

// An entry of a journal. The bytes of a hole differ between repairs, so only its content is
// compared.
struct JournalEntry {
  uint64_t segment = 0;
  uint64_t offset = 0;
  uint64_t first = 0;
  uint64_t last = 0;
  bool is_hole = false;
  std::vector<uint8_t> content;
  friend bool operator==(const JournalEntry&, const JournalEntry&) = default;
};

class JournalEntries : public EntryVisitor {
 public:
  Status Visit(const EntryView& entry) override {
    const bool hole = IsHole(entry.header);
    entries.push_back(
        {entry.place.segment->file.index, entry.place.offset, entry.first_sequence(),
         entry.header.sequence, hole,
         hole ? std::vector<uint8_t>(entry.payload(), entry.payload() + sizeof(HolePayload))
              : std::vector<uint8_t>(entry.bytes.begin(), entry.bytes.end())});
    return Status();
  }
  std::vector<JournalEntry> entries;
};

// What matters about an open directory: its state, its journal, its snapshots, and its quarantine.
struct Outcome {
  uint64_t last_sequence = 0;
  uint64_t snapshot_sequence = 0;
  uint64_t digest = 0;
  std::vector<uint8_t> user_state;
  std::vector<JournalEntry> journal;
  Contents snapshots;
  std::multimap<std::string, std::vector<uint8_t>>
      quarantine;  // by name, whatever the repair's time
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

inline Outcome OutcomeOf(SimulatedEnvironment& world, const Engine& engine,
                         const RecoveryReport& report) {
  Outcome outcome;
  outcome.last_sequence = engine.appended();
  outcome.snapshot_sequence = report.snapshot_sequence;
  for (uint32_t i = 1; i <= engine.books().instrument_count(); ++i) {
    outcome.digest = outcome.digest * 31 + engine.books().book(static_cast<uint16_t>(i)).Digest();
  }
  outcome.user_state = engine.recovered_user_state();
  Layout layout;
  REQUIRE(ReadLayout(&world.file_system(), "/d", false, &layout).ok());
  ScanOptions options;
  options.all_segments = true;
  JournalEntries visitor;
  ScanResult scan;
  REQUIRE(ScanJournal(&world.file_system(), std::move(layout), options, &visitor, &scan).ok());
  CHECK_MESSAGE(scan.verdict.tail == Tail::kClean, scan.verdict.reason);
  outcome.journal = std::move(visitor.entries);
  const Contents contents =
      ContentsOf(ImageOf(world.file_system(), PowerCutOptions::Unsynced::kEverything));
  for (const auto& [path, bytes] : contents) {
    if (path.starts_with("/d/snapshots/")) outcome.snapshots[path] = bytes;
    if (path.starts_with("/d/quarantine/")) outcome.quarantine.emplace(BaseName(path), bytes);
    // No prepared file of a repair is left.
    CHECK_MESSAGE(!path.ends_with(".repair"), path);
    CHECK(path != "/d/REPAIR");
  }
  return outcome;
}

// An existing file is at its place or in quarantine, byte by byte. A writer that opened the
// directory may have changed the marks of a segment, and a head record that verified.
inline bool IsKept(const std::string& path, const std::vector<uint8_t>& bytes,
                   const Contents& now) {
  for (const auto& [other, content] : now) {
    const bool place = other == path;
    const bool quarantined =
        other.starts_with("/d/quarantine/") && BaseName(other) == BaseName(path);
    if ((place || quarantined) && content == bytes) return true;
    if (place && path.ends_with(".segment") && content.size() == bytes.size() &&
        std::equal(bytes.begin(), bytes.begin() + 128, content.begin()) &&
        std::equal(bytes.begin() + 4096, bytes.end(), content.begin() + 4096)) {
      return true;
    }
  }
  return false;
}

inline bool HoldsNothing(const std::string& path, const std::vector<uint8_t>& bytes) {
  if (path == "/d/LOCK") return true;
  return path.ends_with(".segment") &&
         std::all_of(bytes.begin() + 4096, bytes.end(), [](uint8_t byte) { return byte == 0; });
}

}  // namespace pinnacle

#endif  // PINNACLE_TEST_DAMAGED_DIRECTORIES_H_
