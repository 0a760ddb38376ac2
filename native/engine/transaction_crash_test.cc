// The writer ends at each of its calls on the file system, in and around a commit, on both paths:
// what is recovered has all of the transaction or nothing of it. And at each line that a commit
// stores into the window.
#include <cerrno>
#include <cstring>
#include <map>

#include "doctest.h"
#include "engine/engine.h"
#include "simulator/simulated_environment.h"
#include "test/killed_machine.h"

namespace pinnacle {
namespace {

enum class End { kKill, kContainer, kPower };

uint64_t DigestOf(const BookSet& books) {
  uint64_t digest = books.last_sequence();
  for (uint16_t index = 1; index <= books.instrument_count(); ++index) {
    digest = digest * 31 + books.book(index).Digest();
    digest = digest * 31 + books.facts(index).last_sequence;
  }
  return digest;
}

// Some entries, then transactions, with a roll among them; ends at the call number `at`.
class Attempt {
 public:
  Attempt(WritePath path, Durability durability, End end, uint64_t at) : end_(end), at_(at) {
    machine_.options.journal.segment_bytes = kMinSegmentBytes;
    machine_.options.journal.window.path = path;
    machine_.options.durability = durability;
    machine_.MustOpen();
    engine_ = machine_.engine.get();
    Note();
    uint16_t index = 0;
    REQUIRE(engine_->DefineInstrument({"A", 2, 0, InstrumentKind::kOrders}, &index).ok());
    Note();
    machine_.files().faults().SetHook([this](CallKind kind, const std::string&) {
      if (kind == CallKind::kMark) return Fault();
      if (++calls_ == at_) Die();
      return calls_ < at_ ? Fault() : Fault{.system_error = EIO, .bytes = 0, .never_made = true};
    });
    Write();
  }
  ~Attempt() { machine_.files().faults().Clear(); }

  // False: it came to its end before.
  bool ended() const { return calls_ >= at_; }

  void CheckRecovered() {
    machine_.engine.reset();
    machine_.files().faults().Clear();
    if (end_ != End::kPower) return CheckOpen();
    for (DiskImage& image : images_) {
      machine_.engine.reset();
      machine_.world = std::make_unique<SimulatedEnvironment>(3, image);
      CheckOpen();
    }
  }

 private:
  void Write() {
    for (uint64_t id = 1; id <= 3; ++id) Add(id);
    Transaction(10, 5);
    if (engine_->SyncNow().ok()) acknowledged_ = engine_->durable();
    for (uint64_t i = 0; i < 14; ++i) {
      Transaction(100 + 70 * i, 70);
      if (i % 3 == 0) (void)engine_->journal()->CopyStep(3000);
      if (i % 5 == 4 && engine_->SyncNow().ok()) acknowledged_ = engine_->durable();
    }
  }
  Code Add(uint64_t id) {
    uint64_t sequence = 0;
    const Code code =
        engine_->Apply({EntryType::kAdd, 1, Side::kBuy, {id, 0}, {}, 10, 5}, 0, &sequence);
    if (!engine_->in_transaction() && !ended()) Note();
    return code;
  }
  void Transaction(uint64_t id, uint64_t count) {
    if (ended() || engine_->BeginTransaction() != Code::kOk) return;
    for (uint64_t i = 0; i < count; ++i) REQUIRE(Add(id + i) == Code::kOk);
    uint64_t sequence = 0;
    digests_[engine_->appended() + count] = DigestOf(engine_->books());
    if (engine_->CommitTransaction(&sequence) != Code::kOk) {
      (void)engine_->RollBackTransaction();
    } else if (!ended() && machine_.options.durability == Durability::kDurable) {
      acknowledged_ = engine_->durable();
    }
  }
  void Note() { digests_[engine_->appended()] = DigestOf(engine_->books()); }

  void Die() {
    // (A single entry whose sync has begun.)
    if (!engine_->in_transaction()) Note();
    appended_ = engine_->appended();
    written_ = engine_->journal()->written();
    CHECK(digests_.contains(appended_));
    CHECK(digests_.contains(written_));
    CHECK(digests_.contains(engine_->durable()));
    if (end_ == End::kKill) machine_.files().ProcessKill();
    if (end_ == End::kContainer) machine_.files().ContainerKill();
    if (end_ != End::kPower) return;
    DeterministicRandom random(at_);
    for (int i = 0; i < 3; ++i) images_.push_back(machine_.files().PowerCut(random));
  }

  void CheckOpen() {
    const Status status = machine_.Open();
    REQUIRE_MESSAGE(status.ok(), status.ToString());
    const uint64_t last = machine_.engine->appended();
    const uint64_t least = end_ == End::kKill        ? appended_
                           : end_ == End::kContainer ? written_
                                                     : acknowledged_;
    CHECK(last >= least);
    REQUIRE_MESSAGE(digests_.contains(last), "recovered up to ", last, ", inside a transaction");
    CHECK(DigestOf(machine_.engine->books()) == digests_[last]);
  }

  const End end_;
  const uint64_t at_;
  Machine machine_;
  Engine* engine_ = nullptr;
  uint64_t calls_ = 0;
  uint64_t appended_ = 0;
  uint64_t written_ = 0;
  uint64_t acknowledged_ = 0;
  std::map<uint64_t, uint64_t> digests_;  // at the ends of transactions
  std::vector<DiskImage> images_;
};

TEST_CASE("a writer that ends at any call leaves each transaction whole or not at all") {
  for (const WritePath path : {WritePath::kWindow, WritePath::kMapped}) {
    for (const Durability durability : {Durability::kAppended, Durability::kDurable}) {
      for (const End end : {End::kKill, End::kContainer, End::kPower}) {
        uint64_t tried = 0;
        // (Making a segment takes a call for each of its pages; each third of those will do.)
        for (uint64_t at = 1;; at += at < 40 ? 1 : 3) {
          Attempt attempt(path, durability, end, at);
          if (!attempt.ended()) break;
          CAPTURE(at);
          attempt.CheckRecovered();
          ++tried;
        }
        CHECK(tried > 20);
      }
    }
  }
}

// A machine whose writer has 10 single entries in the files and a transaction of 20 in the window.
struct Stored {
  Machine machine;
  std::string path;

  Stored() {
    machine.MustOpen();
    machine.Write(10);
    machine.Copy();
    REQUIRE(machine.engine->BeginTransaction() == Code::kOk);
    for (uint64_t i = 0; i < 20; ++i) {
      const uint64_t payload[4] = {i, 2, 3, 4};
      uint64_t sequence = 0;
      REQUIRE(machine.engine->AppendPayload(1, 0, 0, reinterpret_cast<const uint8_t*>(payload),
                                            sizeof(payload), &sequence) == Code::kOk);
    }
    uint64_t sequence = 0;
    REQUIRE(machine.engine->CommitTransaction(&sequence) == Code::kOk);
    path = machine.engine->journal()->window()->path();
  }
  // As if the writer had ended before the line of this entry was stored.
  void KillBefore(uint64_t sequence) {
    machine.Kill();
    for (; sequence <= 30; ++sequence) {
      machine.Change(path, InWindow(sequence), std::vector<uint8_t>(kLineBytes));
    }
  }
};

TEST_CASE("of a transaction that was being stored into the window nothing is taken") {
  for (uint64_t missing = 12; missing <= 30; ++missing) {
    Stored stored;
    stored.KillBefore(missing);
    stored.machine.CheckForetold();
    CHECK(stored.machine.engine->appended() == 10);
    CHECK(stored.machine.report.window.entries == 0);
    CHECK(stored.machine.report.window.reason.empty());
    stored.machine.Write(3);
    stored.machine.Kill();
    stored.machine.MustOpen();
    CHECK(stored.machine.engine->appended() == 13);
  }
}

TEST_CASE("a whole one is taken, even if the files have the beginning of it") {
  for (const uint64_t copied : {0, 1, 7, 19, 20}) {
    Stored stored;
    if (copied > 0) REQUIRE(stored.machine.engine->journal()->CopyStep(copied * kLineBytes).ok());
    stored.machine.Kill();
    stored.machine.CheckForetold();
    CHECK(stored.machine.engine->appended() == 30);
    CHECK(stored.machine.report.tail == Tail::kClean);
  }
}

TEST_CASE("nothing is left of one that was half copied if the window went with its container") {
  Stored stored;
  REQUIRE(stored.machine.engine->journal()->CopyStep(7 * kLineBytes).ok());
  CHECK(stored.machine.engine->journal()->written() == 10);
  stored.machine.Kill(true);
  stored.machine.CheckForetold();
  CHECK(stored.machine.engine->appended() == 10);
  CHECK(stored.machine.report.tail == Tail::kTorn);
}

TEST_CASE("a line that is missing inside one, with others after it, is damage of the window") {
  Stored stored;
  stored.machine.Kill();
  stored.machine.Change(stored.path, InWindow(15), std::vector<uint8_t>(kLineBytes));
  stored.machine.CheckForetold();
  CHECK(stored.machine.engine->appended() == 10);
  CHECK(stored.machine.report.window.reason.find("is damaged: entry") != std::string::npos);
}

}  // namespace
}  // namespace pinnacle
