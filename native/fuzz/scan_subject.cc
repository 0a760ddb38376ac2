#include <iterator>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "fuzz/memory_file_system.h"
#include "fuzz/subject.h"
#include "journal/scan.h"
#include "test/journal_image.h"

namespace pinnacle {

namespace {

constexpr char kDirectory[] = "data/journal";
constexpr size_t kMaxSegments = 4;
constexpr int kMaxSteps = 96;

struct Appended {
  uint32_t payload_bytes;
  uint8_t fill;
};

// The journal that the fuzzer's program makes, with what the oracle needs to know.
class ScannedJournal {
 public:
  ScannedJournal() { AddSegment(); }

  void Step(FuzzInput* input) {
    switch (input->Byte() % 14) {
      case 0:
      case 1:
      case 2:
      case 3:
        return Append(input);
      case 4: {
        const uint64_t durable = next_sequence_ - 1 - std::min<uint64_t>(input->Byte(), last());
        claimed_ = std::max(claimed_, durable);
        images_.back().Mark(durable, ++mark_counter_);
        return;
      }
      case 5:
        // A writer never leaves a segment without an entry.
        if (images_.size() < kMaxSegments && images_.back().end() > kSegmentHeaderBytes) {
          AddSegment();
        }
        return;
      case 6: {
        const size_t segment = Segment(input);
        const uint64_t offset = Offset(input, segment);
        images_[segment].FlipBit(offset, input->Byte() & 7);
        return Damage(segment, offset);
      }
      case 7: {
        const size_t segment = Segment(input);
        const uint64_t offset = Offset(input, segment);
        const uint64_t length = std::min<uint64_t>(input->Short(), 65536 - offset);
        images_[segment].Zero(offset, length);
        return Damage(segment, offset);
      }
      case 8: {  // an entry out of sequence
        const uint64_t sequence = input->Byte();
        if (sequence == next_sequence_ || sequence == 0 || !Fits(32)) return;
        const uint64_t offset = images_.back().Entry(sequence);
        out_of_turn_.insert(sequence);
        return Damage(images_.size() - 1, offset);
      }
      case 9: {  // another header, sealed or not
        const size_t segment = Segment(input);
        const uint64_t offset = input->Byte() & 127;
        images_[segment].bytes()[offset] = input->Byte();
        if ((input->Byte() & 1) != 0) images_[segment].SealHeader();
        return Damage(segment, 0);
      }
      case 10: {  // shorter, or removed
        const size_t segment = Segment(input);
        const uint64_t size = input->Short();
        images_[segment].bytes().resize(size);
        if (size == 0) gone_.insert(segment);
        cut_ = true;
        return Damage(segment, 0);
      }
      case 12:
      case 13:
        return AppendTransaction(input);
      default: {  // anything, somewhere after the end
        const uint64_t offset =
            std::min<uint64_t>(images_.back().end() + input->Byte() * 64u, 65472);
        for (uint64_t i = 0; i < 64; i += 8) {
          const uint64_t word = input->Word();
          std::memcpy(images_.back().bytes().data() + offset + i, &word, 8);
        }
        return Damage(images_.size() - 1, offset);
      }
    }
  }

  void Store(MemoryFileSystem* files) const {
    for (size_t i = 0; i < images_.size(); ++i) {
      if (gone_.contains(i)) continue;
      ScannedJournal* self = const_cast<ScannedJournal*>(this);
      files->At(std::string(kDirectory) + "/" + SegmentName(i + 1)) = self->images_[i].bytes();
    }
  }

  // A truncated file can't be changed further.
  bool done() const { return cut_; }
  bool damaged() const { return damaged_; }
  uint64_t last() const { return next_sequence_ - 1; }
  uint64_t claimed() const { return claimed_; }
  // Entries that lie wholly before the first damage.
  uint64_t intact() const { return damaged_ ? intact_ : last(); }
  const Appended* At(uint64_t sequence) const {
    const auto found = appended_.find(sequence);
    return found == appended_.end() ? nullptr : &found->second;
  }
  bool OutOfTurn(uint64_t sequence) const { return out_of_turn_.contains(sequence); }

 private:
  static uint64_t SegmentId(uint64_t index) { return 0x1122334455667788 * index + 17; }

  bool Fits(uint64_t payload_bytes) const {
    return images_.back().end() + EntryBytes(payload_bytes) <= 65536;
  }

  void AddSegment() {
    const uint64_t index = images_.size() + 1;
    images_.emplace_back(65536, SegmentId(index), index);
    images_.back().Features(1);
    mark_counter_ = 0;
  }

  void Append(FuzzInput* input) {
    const uint32_t payload_bytes = input->Byte() * (1u + input->Byte() % 32u);
    const uint8_t fill = input->Byte();
    // The frontier up to which the writer had synced never goes back.
    durable_ = std::max(durable_, last() - std::min<uint64_t>(input->Byte(), last()));
    if (!Fits(payload_bytes)) {
      if (images_.size() == kMaxSegments) return;
      AddSegment();
    }
    const uint64_t offset = images_.back().Entry(next_sequence_, payload_bytes, durable_, fill);
    claimed_ = std::max(claimed_, durable_);
    places_.push_back({images_.size() - 1, offset + EntryBytes(payload_bytes)});
    appended_[next_sequence_++] = {payload_bytes, fill};
    // An entry appended after damage is not intact, wherever it is.
  }

  // Entries of one size in one segment. One in four never got to its last entry.
  void AppendTransaction(FuzzInput* input) {
    const uint64_t count = 2 + input->Byte() % 6u;
    const uint32_t payload_bytes = input->Byte() * (1u + input->Byte() % 4u);
    const bool ends = (input->Byte() & 3) != 0;
    if (images_.back().end() + count * EntryBytes(payload_bytes) > 65536) {
      if (images_.size() == kMaxSegments) return;
      AddSegment();
    }
    const uint64_t first = next_sequence_;
    const uint64_t begin = images_.back().end();
    for (uint64_t i = 0; i < count; ++i) {
      uint8_t flags = 0x80;
      if (i > 0) flags |= 0x04;
      if (i + 1 < count || !ends) flags |= 0x08;
      const uint8_t fill = static_cast<uint8_t>(next_sequence_);
      const uint64_t offset =
          images_.back().Entry(next_sequence_, payload_bytes, durable_, fill, flags);
      places_.push_back({images_.size() - 1, offset + EntryBytes(payload_bytes)});
      appended_[next_sequence_++] = {payload_bytes, fill};
    }
    claimed_ = std::max(claimed_, durable_);
    transactions_[first] = last();
    if (!ends) Damage(images_.size() - 1, begin);
  }

  size_t Segment(FuzzInput* input) const { return input->Byte() % images_.size(); }
  // Half of the offsets are among the entries.
  uint64_t Offset(FuzzInput* input, size_t segment) const {
    const uint64_t end = std::max<uint64_t>(images_[segment].end(), 4097);
    const bool among = (input->Byte() & 1) != 0;
    return among ? 4096 + input->Short() % (end - 4096) : input->Short();
  }

  void Damage(size_t segment, uint64_t offset) {
    if (offset < kSegmentHeaderBytes) offset = 0;
    uint64_t intact = 0;
    while (intact < places_.size() && places_[intact] <= std::pair(segment, offset)) ++intact;
    // A damaged transaction counts as damaged from its first entry on.
    const auto after = transactions_.upper_bound(intact);
    if (after != transactions_.begin() && std::prev(after)->second > intact) {
      intact = std::prev(after)->first - 1;
    }
    intact_ = damaged_ ? std::min(intact_, intact) : intact;
    damaged_ = true;
  }

  std::vector<JournalImage> images_;
  std::map<uint64_t, Appended> appended_;
  std::vector<std::pair<size_t, uint64_t>> places_;  // segment and end of each entry in turn
  std::map<uint64_t, uint64_t> transactions_;        // first entry -> last
  std::set<uint64_t> out_of_turn_;
  std::set<size_t> gone_;
  uint64_t next_sequence_ = 1;
  uint64_t durable_ = 0;
  uint64_t claimed_ = 0;
  uint64_t mark_counter_ = 0;
  uint64_t intact_ = 0;
  bool damaged_ = false;
  bool cut_ = false;
};

class CheckingVisitor final : public EntryVisitor {
 public:
  CheckingVisitor(const ScannedJournal* journal, uint64_t from) : journal_(journal), next_(from) {}

  Status Visit(const EntryView& entry) override {
    const EntryHeader& header = entry.header;
    // A journal begins with the first entry of its first segment; recovery judges whether that is
    // far enough back.
    if (first_ && journal_->intact() == 0 && header.sequence > next_) next_ = header.sequence;
    const bool continues = (header.flags & kFlagContinues) != 0;
    // (Starting in the middle of one, if that was requested.)
    if (!first_ && continues != inside_) Broken("half a transaction");
    inside_ = (header.flags & kFlagMoreFollows) != 0;
    first_ = false;
    if (header.sequence != next_) Broken("a sequence was skipped");
    ++next_;
    const Appended* appended = journal_->At(header.sequence);
    if (appended == nullptr && !journal_->OutOfTurn(header.sequence)) {
      Broken("a sequence was visited that was never appended");
    }
    if (entry.bytes.size() != EntryBytes(header.payload_bytes)) Broken("a wrong size");
    if (appended != nullptr && !journal_->OutOfTurn(header.sequence)) {
      if (appended->payload_bytes != header.payload_bytes)
        Broken("a different length than appended");
      for (uint32_t i = 0; i < header.payload_bytes; ++i) {
        if (entry.payload()[i] != appended->fill) Broken("a different payload than appended");
      }
    }
    return Status();
  }

  uint64_t next() const { return next_; }
  bool inside() const { return inside_; }
  const std::string& broken() const { return broken_; }

 private:
  void Broken(const std::string& what) {
    if (broken_.empty()) broken_ = what + " at sequence " + std::to_string(next_);
  }

  const ScannedJournal* journal_;
  uint64_t next_;
  bool first_ = true;
  bool inside_ = false;  // a transaction that continues
  std::string broken_;
};

}  // namespace

std::string FuzzScan(std::span<const uint8_t> bytes) {
  FuzzInput input(bytes);
  ScanOptions options;
  const uint8_t from = input.Byte();
  options.all_segments = (input.Byte() & 1) != 0;

  ScannedJournal journal;
  for (int step = 0; step < kMaxSteps && !input.empty() && !journal.done(); ++step) {
    journal.Step(&input);
  }
  MemoryFileSystem files;
  journal.Store(&files);
  // Starts in the middle only if the entry exists: a caller's snapshot vouches for that.
  options.from_sequence = journal.intact() > 0 ? 1 + from % journal.intact() : 1;

  CheckingVisitor visitor(&journal, options.from_sequence);
  ScanResult result;
  const Status status = ScanJournal(&files, kDirectory, options, &visitor, &result);
  if (!visitor.broken().empty()) return visitor.broken();
  if (visitor.inside()) return "the run ends inside a transaction";
  if (!status.ok()) {
    const bool refused = status.code() == Code::kNotOurFile ||
                         status.code() == Code::kNewerVersion ||
                         status.code() == Code::kUnknownFeature;
    return journal.damaged() && refused ? "" : "unexpected: " + status.ToString();
  }
  if (visitor.next() <= journal.intact()) {
    return "entry " + std::to_string(visitor.next()) + " precedes all damage and was not read";
  }
  if (!journal.damaged()) {
    if (visitor.next() != journal.last() + 1) return "not all entries were read";
    if (result.verdict.tail != Tail::kClean) return "not clean: " + result.verdict.reason;
  }
  if (result.verdict.tail == Tail::kClean && result.entries_dropped + result.bytes_dropped != 0) {
    return "clean, though something follows the end";
  }
  if (result.verdict.tail == Tail::kTorn &&
      result.evidence.next_sequence <= result.evidence.known_durable) {
    return "a torn tail below what was durable";
  }
  if (result.verdict.tail != Tail::kClean && result.verdict.reason.empty()) return "no reason";
  return "";
}

}  // namespace pinnacle
