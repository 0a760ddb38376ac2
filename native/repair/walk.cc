#include "repair/walk.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "checksum/crc32c.h"
#include "journal/entry_check.h"
#include "journal/segment_reader.h"
#include "journal/segment_run.h"
#include "journal/transaction_look.h"
#include "platform/read_fully.h"
#include "repair/trust.h"

namespace pinnacle {

namespace {

// A whole entry that verifies.
struct ValidEntry {
  EntryHeader header{};
  const uint8_t* bytes = nullptr;  // until the reader moves
  uint64_t length = 0;
  uint64_t first_sequence = 0;
  uint32_t checksum = 0;
};

class Walker {
 public:
  Walker(FileSystem* fs, const Layout& layout, const WalkOptions& options, BookSet* books,
         WalkResult* result)
      : fs_(fs), layout_(layout), options_(options), books_(books), result_(result) {}

  Status Run() {
    const std::vector<bool> trusted = TrustedSegments(layout_);
    for (size_t i = 0; i < trusted.size(); ++i) {
      has_other_copy_ |= !trusted[i] && IsOfJournal(layout_.segments[i]);
    }
    begins_trusted_ = !trusted.empty() && trusted.front();
    size_t start = 0;
    // Where the journal begins with its first segment, that one keeps its place even if it is lost.
    if (!trusted.empty() && layout_.segments.front().file.index == 1) {
      expected_ = 1;
    } else {
      // The last of the lost ones may have to give the hole its place.
      for (; start < trusted.size() && !trusted[start]; ++start) {
        if (leading_ != nullptr) TakeOut(*leading_);
        leading_ = &layout_.segments[start];
      }
    }
    for (size_t i = start; i < trusted.size(); ++i) {
      if (trusted[i]) {
        PINNACLE_RETURN_IF_ERROR(WalkSegment(layout_.segments[i]));
        if (result_->contradicts_snapshot) return Status();
      } else {
        empty_.push_back({&layout_.segments[i], false, true});
      }
    }
    return Finish();
  }

 private:
  uint64_t snapshot() const { return options_.snapshot.sequence; }

  bool IsOfJournal(const SegmentFacts& segment) const {
    return !segment.missing && segment.header_valid &&
           JournalId{segment.header.journal_id_low, segment.header.journal_id_high} ==
               layout_.journal_id;
  }

  void TakeOut(const SegmentFacts& segment) {
    if (!segment.missing) result_->taken_out.push_back(segment.file.path);
  }

  Status ValidAt(SegmentReader* reader, uint64_t segment_bytes, uint32_t seed, ValidEntry* found,
                 bool* valid) {
    *valid = false;
    std::span<const uint8_t> bytes;
    PINNACLE_RETURN_IF_ERROR(reader->Peek(kLineBytes, &bytes));
    found->header = LoadHeader(bytes.data());
    if (!HeaderIsPlausible(found->header)) return Status();
    found->length = EntryBytes(found->header.payload_bytes);
    if (reader->offset() + found->length > segment_bytes) return Status();
    PINNACLE_RETURN_IF_ERROR(reader->Peek(found->length, &bytes));
    found->bytes = bytes.data();
    found->checksum = LoadTrailer(found->bytes, found->length).checksum;
    if (Crc32cExtend(seed, found->bytes, found->length - sizeof(EntryTrailer::checksum)) !=
        found->checksum) {
      return Status();
    }
    found->first_sequence = FirstSequenceOf(found->header, found->bytes);
    *valid = found->first_sequence != 0;
    return Status();
  }

  Status WalkSegment(const SegmentFacts& facts) {
    std::unique_ptr<File> file;
    PINNACLE_RETURN_IF_ERROR(fs_->Open(facts.file.path, OpenMode::kRead, &file));
    const uint64_t segment_bytes = facts.header.segment_bytes;
    const uint32_t seed = SeedOfSegment(facts.header.segment_id);
    SegmentReader reader(file.get(), segment_bytes, seed);
    reader.Seek(kSegmentHeaderBytes);
    plan_ = SegmentPlan();
    plan_.facts = facts;
    plan_.segment_bytes = segment_bytes;
    std::vector<uint8_t> page(kSegmentHeaderBytes);
    size_t page_bytes = 0;
    uint64_t counter = 0;
    PINNACLE_RETURN_IF_ERROR(ReadFully(*file, 0, page, &page_bytes));
    plan_.marked = ReadFrontierMarks({page.data(), page_bytes}, seed, &counter);
    while (true) {
      PINNACLE_RETURN_IF_ERROR(reader.SkipZeroLines());
      if (reader.offset() + kLineBytes > segment_bytes) break;
      ValidEntry entry;
      bool valid = false;
      PINNACLE_RETURN_IF_ERROR(ValidAt(&reader, segment_bytes, seed, &entry, &valid));
      Group group;
      if (valid) {
        PINNACLE_RETURN_IF_ERROR(GroupOf(&reader, entry, &group));
        if (group.is_whole) PINNACLE_RETURN_IF_ERROR(Take(&reader, seed, entry, &group));
        if (result_->contradicts_snapshot) return Status();
        if (!group.kept) result_->entries_dropped += group.entries;
      }
      // (What was refused has its filler, so nothing is left of it either.)
      plan_.rest_has_bytes = plan_.end_offset <= reader.offset();
      reader.Advance(valid ? group.end_offset - reader.offset() : kLineBytes);
    }
    if (plan_.next_sequence == 0) {
      empty_.push_back({&facts, true, plan_.rest_has_bytes});
    } else {
      result_->segments.push_back(std::move(plan_));
    }
    return Status();
  }

  static HolePayload HoleOf(const ValidEntry& entry) {
    HolePayload hole;
    std::memcpy(&hole, entry.bytes + sizeof(EntryHeader), sizeof(hole));
    return hole;
  }

  // What is kept together or not at all: a single entry, or a transaction.
  struct Group {
    uint64_t offset = 0;
    uint64_t end_offset = 0;
    uint64_t first_sequence = 0;
    uint64_t last_sequence = 0;
    uint64_t entries = 0;  // holes do not count
    bool is_transaction = false;
    bool is_whole = true;
    bool kept = false;
  };

  // The group that begins with the entry at the reader. An entry of a transaction that lacks its
  // beginning, its end or what is between them is alone, and not whole.
  Status GroupOf(SegmentReader* reader, const ValidEntry& entry, Group* group) {
    group->offset = reader->offset();
    group->end_offset = group->offset + entry.length;
    group->first_sequence = entry.first_sequence;
    group->last_sequence = entry.header.sequence;
    group->entries = IsHole(entry.header) ? 0 : 1;
    if ((entry.header.flags & kTransactionFlags) == 0) return Status();
    TransactionLook look;
    PINNACLE_RETURN_IF_ERROR(LookThroughTransaction(
        reader, entry.header.sequence, MayHaveTransactions(plan_.facts.header), &look));
    group->is_transaction = true;
    group->is_whole = look.kind == TransactionLook::Kind::kWhole;
    if (look.kind != TransactionLook::Kind::kWhole) return Status();
    group->end_offset = look.end_offset;
    group->last_sequence = look.next_sequence - 1;
    group->entries = look.next_sequence - entry.header.sequence;
    return Status();
  }

  // Calls `visit(entry)` for each entry of the group, which begins with `first`. The reader is at
  // its beginning, and is there again afterwards.
  template <typename OnEntry>
  Status ForEach(SegmentReader* reader, uint32_t seed, const ValidEntry& first, const Group& group,
                 OnEntry&& visit) {
    if (!group.is_transaction) {
      visit(first);
      return Status();
    }
    while (reader->offset() < group.end_offset) {
      ValidEntry entry;
      bool valid = false;
      PINNACLE_RETURN_IF_ERROR(ValidAt(reader, plan_.segment_bytes, seed, &entry, &valid));
      if (!valid) {
        return Status(Code::kIo, plan_.facts.file.path + " reads differently each time; check " +
                                     "the device");
      }
      visit(entry);
      reader->Advance(entry.length);
    }
    reader->Rewind(group.offset);
    return Status();
  }

  // Keeps the group if it belongs to the repaired journal.
  Status Take(SegmentReader* reader, uint32_t seed, const ValidEntry& begin, Group* group) {
    const uint64_t first = group->first_sequence;
    if (ended_ || first < expected_) return Status();  // past the end, or of an older lap
    if (expected_ == 0 && snapshot() == 0 && first != 1) {
      return Status(Code::kJournalGap,
                    "the journal begins with entry " + std::to_string(first) +
                        ", and no snapshot that verifies leads there; restore the missing files "
                        "from a backup");
    }
    PINNACLE_RETURN_IF_ERROR(
        ForEach(reader, seed, begin, *group, [&](const ValidEntry& entry) { Prove(entry); }));
    if (result_->contradicts_snapshot) return Status();
    if (first_ == 0) first_ = first;
    if (!CloseGap(group->offset, first)) return Status();
    expected_ = first;
    bool refused = false;
    uint64_t left_out = 0;
    PINNACLE_RETURN_IF_ERROR(Apply(reader, seed, begin, *group, &left_out, &refused));
    if (refused && !options_.past_damage) {
      ended_ = true;
      return Status();
    }
    if (refused) {
      Fill(group->end_offset, first, group->last_sequence, left_out);
      books_->Skip(group->last_sequence);
      return Status();
    }
    Extend(group->end_offset, first, group->last_sequence + 1);
    if (damaged_) result_->entries_after_damage += group->entries;
    group->kept = true;
    return Status();
  }

  // What the entry says of the snapshots that were taken at its sequence.
  void Prove(const ValidEntry& entry) {
    const uint64_t sequence = entry.header.sequence;
    if (IsHole(entry.header)) {
      snapshot_is_proven_ |= HoleOf(entry).snapshot_sequence == snapshot();
      return;
    }
    if (sequence == snapshot() && options_.snapshot.entry_checksum != 0) {
      snapshot_is_proven_ = entry.checksum == options_.snapshot.entry_checksum;
      if (!snapshot_is_proven_) {
        result_->contradicts_snapshot = true;
        return;
      }
    }
    for (const SnapshotMeta& older : options_.older) {
      if (sequence == older.sequence && older.entry_checksum != 0 &&
          entry.checksum != older.entry_checksum) {
        result_->contradicted_older.push_back(sequence);
      }
    }
  }

  // Fills what lies between the last kept entry and the one with the sequence `first` at `offset`.
  // False: the entry is not kept, since the journal ends before it, or since its lines are needed
  // for the hole.
  bool CloseGap(uint64_t offset, uint64_t first) {
    uint64_t lost = expected_;
    if (lost == 0) lost = snapshot() == 0 ? first : std::min(first, snapshot() + 1);
    if (lost < first && !options_.past_damage && first - 1 > snapshot()) {
      ended_ = true;
      return false;
    }
    const bool lines = plan_.end_offset < offset;
    if (!lines && lost == first && empty_.empty()) {
      if (plan_.next_sequence == 0) CutPrevious();
      return true;
    }
    if (lost < first && !lines && empty_.empty() && leading_ != nullptr && IsBeginning()) {
      empty_.push_back({std::exchange(leading_, nullptr), false, true});
    }
    if (lost < first && !lines && empty_.empty() && !FillPrevious(lost, first - 1)) return false;
    // The first place gets the loss, the others hold nothing.
    const auto next_first = [&] { return std::exchange(lost, first); };
    if (plan_.next_sequence == 0) CutPrevious();
    const SegmentPlan walked = std::exchange(plan_, SegmentPlan());
    for (const Empty& empty : empty_) {
      plan_ = PlanOf(empty);
      Fill(kSegmentHeaderBytes + kLineBytes, next_first(), first - 1, 0);
      plan_.cut_offset = plan_.end_offset;
      result_->segments.push_back(std::move(plan_));
    }
    empty_.clear();
    plan_ = walked;
    if (lines) Fill(offset, next_first(), first - 1, 0);
    return true;
  }

  // Nothing of the journal is kept yet.
  bool IsBeginning() const { return result_->segments.empty() && plan_.next_sequence == 0; }

  // A hole in the segment before the one that is walked, which has nothing yet.
  bool FillPrevious(uint64_t first, uint64_t last) {
    if (plan_.next_sequence != 0 || result_->segments.empty()) return false;
    SegmentPlan& before = result_->segments.back();
    if (before.end_offset + kLineBytes > before.segment_bytes) return false;
    const SegmentPlan walked = std::exchange(plan_, std::move(before));
    Fill(plan_.end_offset + kLineBytes, first, last, 0);
    plan_.cut_offset = plan_.end_offset;
    result_->segments.back() = std::exchange(plan_, walked);
    expected_ = last + 1;
    return true;
  }

  // What follows the last entry of the segment before is nothing of the journal.
  void CutPrevious() {
    if (result_->segments.empty()) return;
    SegmentPlan& before = result_->segments.back();
    if (before.rest_has_bytes && before.cut_offset == 0) before.cut_offset = before.end_offset;
  }

  // Puts a filler from plan_.end_offset to `end`.
  void Fill(uint64_t end, uint64_t first, uint64_t last, uint64_t left_out) {
    const Filler filler{plan_.end_offset, end, first, last, left_out};
    plan_.fillers.push_back(filler);
    damaged_ = true;
    if (first <= last) result_->losses.push_back(filler);
    Extend(end, first, last + 1);
  }

  void Extend(uint64_t end, uint64_t first, uint64_t next) {
    if (plan_.next_sequence == 0) plan_.first_sequence = first;
    plan_.next_sequence = next;
    plan_.end_offset = end;
    plan_.rest_has_bytes = false;
    expected_ = next;
  }

  // Applies the group to the books, wholly or not at all. `*left_out`: entries that are not kept
  // where they refuse it, or that a hole stands for.
  Status Apply(SegmentReader* reader, uint32_t seed, const ValidEntry& begin, const Group& group,
               uint64_t* left_out, bool* refused) {
    BookSet::UndoLog undos;
    const uint64_t last_sequence = books_->last_sequence();
    PINNACLE_RETURN_IF_ERROR(ForEach(reader, seed, begin, group, [&](const ValidEntry& entry) {
      if (*refused) return;
      if (IsHole(entry.header)) {
        *left_out = ApplyHole(entry, refused);
      } else if (entry.header.sequence > snapshot()) {
        *refused = !ApplyEntry(group, entry, &undos).ok();
      }
    }));
    if (!*refused) return Status();
    if (group.entries > 0) *left_out = group.entries;
    books_->TakeBack(&undos);
    books_->Skip(last_sequence);
    return Status();
  }

  Status ApplyEntry(const Group& group, const ValidEntry& entry, BookSet::UndoLog* undos) {
    const uint8_t* payload = entry.bytes + sizeof(EntryHeader);
    if (!group.is_transaction) return books_->ApplyEntry(entry.header, payload);
    return books_->ApplyEntryUndoably(entry.header, payload, undos);
  }

  // Answers how many entries were left out in its place.
  uint64_t ApplyHole(const ValidEntry& entry, bool* refused) {
    if (entry.header.sequence <= snapshot()) return 0;
    const HolePayload hole = HoleOf(entry);
    // What a newer snapshot had of these entries is lost with it.
    *refused = hole.snapshot_sequence > snapshot();
    if (!*refused) books_->Skip(entry.header.sequence);
    return hole.entries_left_out;
  }

  // A segment of which nothing is kept: lost, or without an entry that verifies.
  struct Empty {
    const SegmentFacts* facts;
    bool trusted;
    bool has_bytes;
  };

  SegmentPlan PlanOf(const Empty& empty) {
    SegmentPlan made;
    made.facts = *empty.facts;
    made.segment_bytes = empty.trusted ? made.facts.header.segment_bytes : options_.segment_bytes;
    if (!empty.trusted) {
      TakeOut(made.facts);
      made.facts.missing = true;
    }
    return made;
  }

  // A segment that is not there, to go on in.
  SegmentPlan NewPlan(uint64_t index) {
    SegmentPlan made;
    made.facts.missing = true;
    made.facts.file = {index, layout_.journal_directory + "/" + SegmentName(index)};
    made.segment_bytes = options_.segment_bytes;
    return made;
  }

  Status Finish() {
    // (The entry of one from before the journal's beginning was compacted away.)
    const bool is_from_before = begins_trusted_ && first_ != 0 && snapshot() < first_;
    if (has_other_copy_ && snapshot() != 0 && !snapshot_is_proven_ && !is_from_before) {
      result_->contradicts_snapshot = true;
      return Status();
    }
    if (leading_ != nullptr) TakeOut(*leading_);
    std::vector<SegmentPlan>& plans = result_->segments;
    if (plans.empty()) PINNACLE_RETURN_IF_ERROR(BeginAnew());
    // One that was only made ahead stays, unless the journal ends earlier than it did.
    const uint64_t known_durable = std::max(options_.known_durable, plans.back().marked);
    const bool shorter = plans.back().rest_has_bytes || known_durable >= expected_ ||
                         std::any_of(empty_.begin(), empty_.end(),
                                     [](const Empty& empty) { return empty.has_bytes; });
    for (const Empty& empty : empty_) {
      if (shorter) TakeOut(*empty.facts);
    }
    plan_ = std::move(plans.back());
    plans.pop_back();
    if (snapshot() != 0 && expected_ <= snapshot()) {
      const uint64_t first = expected_ == 0 ? snapshot() + 1 : expected_;
      if (plan_.end_offset + kLineBytes > plan_.segment_bytes) {
        const uint64_t index = plan_.facts.file.index + 1;
        plans.push_back(std::exchange(plan_, NewPlan(index)));
      }
      Fill(plan_.end_offset + kLineBytes, first, snapshot(), 0);
      plan_.cut_offset = plan_.end_offset;
    }
    // So that nothing says any more that the journal was longer.
    if (shorter && plan_.cut_offset == 0) plan_.cut_offset = plan_.end_offset;
    plans.push_back(std::move(plan_));
    result_->last_sequence = expected_ - 1;
    return Status();
  }

  // Nothing is kept of any segment. The journal's very first one keeps its place.
  Status BeginAnew() {
    const auto place = expected_ == 1
                           ? empty_.begin()
                           : std::find_if(empty_.begin(), empty_.end(),
                                          [](const Empty& empty) { return empty.trusted; });
    if (place != empty_.end() && (expected_ != 0 || snapshot() != 0)) {
      result_->segments.push_back(PlanOf(*place));
      result_->segments.back().rest_has_bytes = place->has_bytes;
      empty_.erase(place);
      return Status();
    }
    if (snapshot() == 0) {
      return Status(
          Code::kJournalGap,
          "no entry and no snapshot is left that verifies; restore the missing files from "
          "a backup");
    }
    const uint64_t last = layout_.segments.empty() ? 0 : layout_.segments.back().file.index;
    result_->segments.push_back(NewPlan(last + 1));
    return Status();
  }

  FileSystem* const fs_;
  const Layout& layout_;
  const WalkOptions& options_;
  BookSet* const books_;
  WalkResult* const result_;
  const SegmentFacts* leading_ = nullptr;  // the last that is lost before anything is kept
  uint64_t expected_ = 0;                  // the next sequence; 0: not known yet
  bool damaged_ = false;                   // something was lost
  bool ended_ = false;                     // by policy: nothing more is kept
  uint64_t first_ = 0;                     // the first entry that was met; 0: none yet
  bool begins_trusted_ = false;            // the oldest segment is trusted
  bool has_other_copy_ = false;      // segments of this journal are there that are not trusted
  bool snapshot_is_proven_ = false;  // by the entry that it was taken at
  std::vector<Empty> empty_;         // since the last segment that keeps something
  SegmentPlan plan_;                 // of the segment that is walked
};

}  // namespace

Status WalkJournal(FileSystem* fs, const Layout& layout, const WalkOptions& options, BookSet* books,
                   WalkResult* result) {
  *result = WalkResult();
  return Walker(fs, layout, options, books, result).Run();
}

}  // namespace pinnacle
