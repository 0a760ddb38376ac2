// Transactions in the middle of everything else: of one to a thousand entries over all instruments,
// including user entries; refused in the middle, rolled back, committed on full disks and with
// failing calls, cut off by crashes. The model applies one whole or not at all.
#include <algorithm>
#include <cstring>

#include "simulator/disk_reading.h"
#include "simulator/simulation_run.h"
#include "window/window_format.h"

namespace pinnacle::simulation {
namespace {

constexpr uint8_t kContinues = 0x04;
constexpr uint8_t kMoreFollows = 0x08;
constexpr int kDraws = 30;

uint64_t LengthOf(const ModelEntry& entry) { return EntryBytes(entry.payload.size()); }

// Files and memory files, as a process killed now leaves them.
DiskImage AllOf(SimulatedEnvironment& world) {
  DiskImage image = FilesOf(world);
  const DiskImage memory = world.file_system().MemoryFiles();
  image.files.insert(memory.files.begin(), memory.files.end());
  return image;
}

// The lines that differ between two states of a file, in the order in which they were stored: from
// the one with the sequence `first` on, wrapping around the ring's end.
std::vector<uint64_t> StoredLines(const std::vector<uint8_t>& before,
                                  const std::vector<uint8_t>& after, uint64_t first) {
  std::vector<uint64_t> lines;
  size_t begin = 0;
  for (uint64_t at = 0; at + kLine <= std::min(before.size(), after.size()); at += kLine) {
    if (std::memcmp(before.data() + at, after.data() + at, kLine) == 0) continue;
    uint64_t sequence = 0;
    std::memcpy(&sequence, after.data() + at + 8, sizeof(sequence));
    if (sequence == first && (after[at + 7] & (kContinues | kMoreFollows)) == kMoreFollows) {
      begin = lines.size();
    }
    lines.push_back(at);
  }
  std::rotate(lines.begin(), lines.begin() + static_cast<ptrdiff_t>(begin), lines.end());
  return lines;
}

}  // namespace

bool Run::IsEnd(uint64_t sequence) const {
  return sequence == 0 || sequence > entries_.size() ||
         (entries_[sequence - 1].flags & kMoreFollows) == 0;
}

uint64_t Run::FirstOf(uint64_t sequence) const {
  while (sequence > 0 && sequence <= entries_.size() &&
         (entries_[sequence - 1].flags & kContinues) != 0) {
    --sequence;
  }
  return sequence;
}

// At each of the engine's calls: another thread may just now copy, sync or take a snapshot up to
// there.
void Run::CheckFrontiers() {
  if (engine_ == nullptr) return;
  const Journal* journal = engine_->journal();
  for (const uint64_t frontier : {journal->appended(), journal->written(), journal->durable()}) {
    const uint64_t most = entries_.size() + (committing_ > 0 ? committing_ : 1);
    const bool whole = frontier <= entries_.size() ? IsEnd(frontier) : frontier == most;
    Holds(whole, "a frontier stands inside a transaction, at " + std::to_string(frontier));
  }
}

void Run::AppendTransaction() {
  const bool failed = engine_->journal()->failed();
  const Code begun = engine_->BeginTransaction();
  if (failed) {
    Holds(begun == Code::kJournalFailed, "a failed journal began a transaction");
    return;
  }
  if (!Holds(begun == Code::kOk, std::string("a transaction can't begin: ") + CodeName(begun)) ||
      !Holds(engine_->BeginTransaction() == Code::kTransactionOpen, "one began inside another")) {
    return;
  }
  Staged staged{live_, {}, 0, false};
  const uint64_t size = random_.Below(100);
  const uint64_t count = 1 + random_.Below(size < 60 ? 6 : size < 93 ? 60 : 1000);
  const uint64_t refused = random_.Chance(0.1) ? random_.Below(count) : count;
  const bool stops = !random_.Chance(0.05);  // before it is too large
  for (uint64_t i = 0; i < count && ok() && !dead_ && !staged.aborted; ++i) {
    if (stops && staged.bytes + 4096 > engine_->journal()->most_transaction_bytes()) break;
    StageOne(&staged, i == refused);
    if (random_.Chance(0.01)) WorkInside();
  }
  if (!ok() || dead_) return;
  const bool takes_back = staged.aborted || random_.Chance(0.08);
  takes_back ? TakeBack(staged) : CommitStaged(&staged);
}

void Run::StageOne(Staged* staged, bool refused) {
  Operation operation;
  if (!refused && random_.Chance(0.2)) return StagePayload(staged);
  if (DrawOperationFor(staged->state, refused, &operation)) {
    return StageOperation(staged, operation);
  }
  StagePayload(staged);
}

// An operation that the books accept, or refuse; false if none was found.
bool Run::DrawOperationFor(const ModelState& state, bool refused, Operation* operation) {
  for (int draw = 0; draw < kDraws; ++draw) {
    *operation = DrawOperation();
    if ((state.Check(*operation) != Code::kOk) == refused) return true;
  }
  return false;
}

void Run::StageOperation(Staged* staged, const Operation& operation) {
  bool given = false;
  const uint64_t stamp = NextStamp(&given);
  ModelEntry entry = EntryOfOperation(operation, given ? stamp : last_clock_ns_, given);
  Code expected = staged->state.Check(operation);
  if (staged->bytes + LengthOf(entry) > engine_->journal()->most_transaction_bytes()) {
    expected = Code::kTransactionTooLarge;
  }
  uint64_t sequence = 0;
  const Code code = engine_->Apply(operation, stamp, &sequence);
  Stage(staged, expected, code, sequence, std::move(entry));
}

void Run::StagePayload(Staged* staged) {
  static constexpr uint64_t kSizes[] = {0, 1, 31, 32, 33, 96, 480, 4000};
  std::vector<uint8_t> payload(kSizes[random_.Below(random_.Chance(0.3) ? 8 : 6)],
                               static_cast<uint8_t>(random_.Next()));
  const uint8_t type = static_cast<uint8_t>(random_.Below(128));
  const uint16_t instrument = static_cast<uint16_t>(random_.Below(live_.instruments().size() + 1));
  bool given = false;
  const uint64_t stamp = NextStamp(&given);
  ModelEntry entry =
      EntryOfPayload(type, instrument, payload, given ? stamp : last_clock_ns_, given);
  const bool fits = staged->bytes + LengthOf(entry) <= engine_->journal()->most_transaction_bytes();
  uint64_t sequence = 0;
  const Code code = engine_->AppendPayload(type, instrument, stamp, payload.data(),
                                           static_cast<uint32_t>(payload.size()), &sequence);
  Stage(staged, fits ? Code::kOk : Code::kTransactionTooLarge, code, sequence, std::move(entry));
}

// Checks the result of a call inside the transaction.
void Run::Stage(Staged* staged, Code expected, Code code, uint64_t sequence, ModelEntry entry) {
  const uint64_t wanted = entries_.size() + staged->entries.size() + 1;
  if (!Holds(code == expected, std::string("inside a transaction: answered ") + CodeName(code) +
                                   " instead of " + CodeName(expected)) ||
      !Holds(engine_->appended() == entries_.size(), "a staged entry is in the journal")) {
    return;
  }
  if (code != Code::kOk) {
    staged->aborted = true;
    return;
  }
  Holds(sequence == wanted, "a staged entry got sequence " + std::to_string(sequence) +
                                " instead of " + std::to_string(wanted));
  staged->bytes += LengthOf(entry);
  staged->state.Apply(entry, sequence);
  staged->entries.push_back(std::move(entry));
}

// Concurrent work while a transaction is open: other threads copy, sync and take snapshots.
void Run::WorkInside() {
  Instrument instrument;
  uint16_t index = 0;
  switch (random_.Below(takes_snapshot_ ? 3 : 5)) {
    case 0:
      return Flush();
    case 1:
      (void)Copy();
      return;
    case 3:
      return TakeSnapshot();
    case 4:
      return Compact();
    default:
      instrument.name = "INSIDE";
      Holds(engine_->DefineInstrument(instrument, &index).code() == Code::kTransactionOpen,
            "an instrument was defined inside a transaction");
      return;
  }
}

void Run::CommitStaged(Staged* staged) {
  const size_t count = staged->entries.size();
  const Frontier before = FrontierNow();
  for (size_t i = 0; i < count; ++i) {
    ModelEntry& entry = staged->entries[i];
    entry.durable_before = before.durable;
    if (i > 0) entry.flags |= kContinues;
    if (i + 1 < count) entry.flags |= kMoreFollows;
  }
  // (If no call is seen, other stores are unknown.)
  const bool judges = count > 1 && !cause_ && lies_ == 0 && !quiet_ && random_.Chance(0.2);
  DiskImage image;
  if (judges) {
    Quiet quiet(&quiet_);
    image = AllOf(*world_);
  }
  const uint64_t calls = calls_;
  committing_ = count;
  uint64_t sequence = 0;
  const Code code = engine_->CommitTransaction(&sequence);
  committing_ = 0;
  Trace("commit of " + std::to_string(count) + " entries behind " +
        std::to_string(before.appended) + ": " + CodeName(code));
  SettleCommit(staged, code, before, sequence);
  // (Otherwise more than its lines was stored.)
  if (ok() && !dead_ && judges && code == Code::kOk && calls_ == calls) {
    JudgeKilledInside(image, before.appended + 1);
  }
}

void Run::SettleCommit(Staged* staged, Code code, const Frontier& before, uint64_t sequence) {
  const uint64_t count = staged->entries.size();
  const uint64_t after = engine_->appended();
  const std::string what = "a commit of " + std::to_string(count) + " entries behind " +
                           std::to_string(before.appended) + " answered " + CodeName(code) + ": ";
  if (!Holds(after == before.appended || after == before.appended + count,
             what + "the journal is at " + std::to_string(after))) {
    return;
  }
  if (after > before.appended) {
    for (ModelEntry& entry : staged->entries) Accept(std::move(entry));
    ++result_.counts.transactions;
  }
  if (code == Code::kOk) {
    Holds(after == before.appended + count && sequence == (count > 0 ? after : 0),
          what + "it has the wrong sequence");
    Holds(options_.durability != Durability::kDurable || engine_->durable() >= after,
          what + "but it is not durable");
    Holds(!engine_->in_transaction(), what + "and it is still open");
    if (random_.Chance(0.3)) CheckBooks();
    return;
  }
  if (dead_) return;
  Holds(cause_, what + "nothing had failed");
  if (after > before.appended) {
    Holds(options_.durability == Durability::kDurable && code == Code::kJournalFailed,
          what + "but it was journaled");
    return;
  }
  staged->aborted = true;
  TakeBack(*staged);
}

// The books are as before, and nothing is in the journal.
void Run::TakeBack(const Staged& staged) {
  uint64_t sequence = 0;
  if (staged.aborted) {
    bool given = false;
    const uint64_t stamp = NextStamp(&given);
    Holds(engine_->AppendPayload(0, 0, stamp, nullptr, 0, &sequence) == Code::kTransactionAborted,
          "a refused transaction took one more entry");
    Holds(engine_->CommitTransaction(&sequence) == Code::kTransactionAborted,
          "a refused transaction was committed");
  }
  const Code code = engine_->RollBackTransaction();
  Trace("taken back: " + std::to_string(staged.entries.size()) + " entries");
  ++result_.counts.taken_back;
  Holds(code == Code::kOk, std::string("a transaction can't be taken back: ") + CodeName(code));
  Holds(engine_->appended() == entries_.size() && !engine_->in_transaction(),
        "a transaction that was taken back is in the journal");
  if (ok()) CheckBooks();
}

void Run::JudgeKilledInside(const DiskImage& before, uint64_t first) {
  Quiet quiet(&quiet_);
  DiskImage after = AllOf(*world_);
  for (auto& [path, content] : after.files) {
    const auto was = before.files.find(path);
    if (was == before.files.end() || was->second == content) continue;
    const std::vector<uint8_t> then = was->second.Bytes();
    const std::vector<uint8_t> now = content.Bytes();
    const std::vector<uint64_t> lines = StoredLines(then, now, first);
    if (lines.size() < 2) return;
    const uint64_t stored = 1 + random_.Below(lines.size() - 1);
    std::vector<uint8_t> bytes = then;
    for (uint64_t i = 0; i < stored; ++i) {
      std::memcpy(bytes.data() + lines[i], now.data() + lines[i], kLine);
    }
    Trace("killed after " + std::to_string(stored) + " of " + std::to_string(lines.size()) +
          " lines in " + path);
    ++result_.counts.killed_inside;
    DiskImage image = before;
    image.files.at(path).Assign(bytes);
    const std::unique_ptr<SimulatedEnvironment> world = SameMachine(image);
    std::unique_ptr<Engine> engine;
    RecoveryReport report;
    const Status status = Engine::Open(world->environment(), options_, nullptr, &engine, &report);
    const std::string what = "killed while a transaction was stored: ";
    if (!Holds(status.ok(), what + status.ToString()) ||
        !Holds(engine->appended() == first - 1,
               what + "recovered up to " + std::to_string(engine->appended()) + " instead of " +
                   std::to_string(first - 1) + " " + report.window.reason) ||
        !Holds(report.window.last_sequence < first, what + "the window gave a part of it")) {
      return;
    }
    const std::string difference = DifferenceOf(*world, *engine, report);
    Holds(difference.empty(), what + difference);
    return;
  }
}

}  // namespace pinnacle::simulation
