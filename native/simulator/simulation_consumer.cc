// A named consumer in the middle of everything else: opened, read, committed and left, with failing
// calls, power cuts and kills at any of its calls. Its position is one that was committed, it gets
// every entry after that once and in order, and a loss is reported.
#include <algorithm>

#include "backup/backup_directory.h"
#include "consumer/consumer.h"
#include "journal/entry_check.h"
#include "simulator/simulation_run.h"

namespace pinnacle::simulation {
namespace {

constexpr char kName[] = "c";

}  // namespace

void Run::Consume() {
  // The effects of the device's lies may be anywhere.
  if (lies_ > 0 || !Copy()) return;
  std::unique_ptr<Consumer> consumer;
  const uint64_t oldest = engine_->journal()->oldest_sequence();
  Status status = Consumer::Open(world_->environment(), kDirectory, kName, 0, &consumer);
  Trace("consumer: " + status.ToString());
  if (dead_ || !ok()) return;
  if (!status.ok()) {
    Holds(cause_, "a consumer could not be opened without a cause: " + status.ToString());
    return;
  }
  const uint64_t position = consumer->position().sequence;
  if (consumer_positions_.empty()) {
    // (It may have been made before a crash, when the journal began earlier. And a segment whose
    // removal failed still belongs to the engine, but not to the head record.)
    Holds(position < oldest || cause_, "a new consumer begins after the oldest entry");
  } else {
    Holds(consumer_positions_.contains(position),
          "a consumer is at " + std::to_string(position) + ", which was not committed");
  }
  const auto known = consumer_positions_.find(position);
  const Consumed consumed = known == consumer_positions_.end() ? Consumed() : known->second;
  const bool was_lost = WasLost(position, consumed);
  // After a failed commit the others stay possible: what is read may not be durable.
  consumer_positions_[position] = consumed;
  uint64_t last = position;
  if (!ReadAsConsumer(consumer.get(), was_lost, &last) || last == position) return;
  const uint64_t sequence = position + 1 + random_.Below(last - position);
  // A transaction consumed in part is read again from its start.
  const uint64_t to = std::max(position, IsEnd(sequence) ? sequence : FirstOf(sequence) - 1);
  if (to > position) consumer_positions_[to] = ConsumedAt(to);
  status = consumer->Commit(sequence);
  Trace("consumer commits " + std::to_string(sequence) + ": " + status.ToString());
  if (dead_ || !ok()) return;
  if (!status.ok()) {
    Holds(cause_, "a commit failed without a cause: " + status.ToString());
    return;
  }
  Holds(consumer->position().sequence == to,
        "a commit of " + std::to_string(sequence) + " moved a consumer to " +
            std::to_string(consumer->position().sequence) + " instead of " + std::to_string(to));
  if (to == position) return;
  consumer_positions_ = {{to, ConsumedAt(to)}};
  consumer_overtaken_ = false;
  ++result_.counts.commits;
}

// False: it ended early.
bool Run::ReadAsConsumer(Consumer* consumer, bool was_lost, uint64_t* last) {
  const uint64_t position = *last;
  const uint64_t upto = random_.Chance(0.3) ? position + random_.Below(20) : entries_.size();
  while (*last < upto) {
    std::vector<uint8_t> bytes;
    const Status status = consumer->Read(4096, &bytes);
    if (dead_) return false;
    if (!status.ok()) {
      ReadFailed(consumer, was_lost, status);
      return false;
    }
    if (bytes.empty()) {
      // The journal's end, and nothing is missing before it.
      return Holds(*last == engine_->appended() && !was_lost,
                   "a consumer's entries end at " + std::to_string(*last) + ", the journal at " +
                       std::to_string(engine_->appended()));
    }
    if (!Holds(!was_lost, "a consumer was not told of a loss")) return false;
    for (size_t at = 0; at < bytes.size();) {
      const EntryHeader header = LoadHeader(bytes.data() + at);
      if (!Holds(header.sequence == *last + 1, "a consumer got entry " +
                                                   std::to_string(header.sequence) + " after " +
                                                   std::to_string(*last))) {
        return false;
      }
      *last = header.sequence;
      at += EntryBytes(header.payload_bytes);
    }
    if (!Holds(IsEnd(*last), "a consumer got half of a transaction")) return false;
  }
  return true;
}

void Run::ReadFailed(Consumer* consumer, bool was_lost, const Status& status) {
  Trace("consumer reads: " + status.ToString());
  if (status.code() == Code::kOutOfReach) {
    Holds(consumer_overtaken_, "a consumer was overtaken although no limit let compaction do it");
  } else if (status.code() == Code::kConsumerDiverged) {
    Holds(was_lost, "a consumer was told of a loss that there was not");
  } else {
    Holds(cause_, "a consumer could not read without a cause: " + status.ToString());
    return;
  }
  // It restarts at the journal's end.
  const uint64_t to = engine_->appended();
  consumer_positions_[to] = ConsumedAt(to);
  if (!consumer->Reset(to).ok()) return;
  consumer_positions_ = {{to, ConsumedAt(to)}};
  consumer_overtaken_ = false;
}

// The entries after `sequence` are gone: those already consumed are lost.
void Run::LoseConsumed(uint64_t sequence) {
  for (auto& [position, consumed] : consumer_positions_) {
    consumed.kept = std::min(consumed.kept, sequence);
  }
}

Run::Consumed Run::ConsumedAt(uint64_t sequence) const {
  Consumed consumed;
  if (sequence > 0) consumed.entry = entries_[sequence - 1];
  return consumed;
}

// (An identical entry in its place is indistinguishable.)
bool Run::WasLost(uint64_t sequence, const Consumed& consumed) const {
  if (sequence <= consumed.kept) return false;
  if (sequence > entries_.size()) return true;
  const ModelEntry& now = entries_[sequence - 1];
  const ModelEntry& then = consumed.entry;
  return now.type != then.type || now.flags != then.flags || now.instrument != then.instrument ||
         now.timestamp_ns != then.timestamp_ns || now.payload != then.payload ||
         now.durable_before != then.durable_before;
}

// An operator removes it with all of its files.
void Run::ForgetConsumer() {
  Quiet quiet(&quiet_);
  FileSystem* fs = world_->environment().file_system;
  (void)RemoveTree(fs, std::string(kDirectory) + "/consumers");
  (void)fs->SyncDirectory(kDirectory);
  consumer_positions_.clear();
}

}  // namespace pinnacle::simulation
