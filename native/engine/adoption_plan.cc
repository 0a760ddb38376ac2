// Whether a window is taken, and what of it: found by the head record, held against the files.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <span>
#include <thread>
#include <utility>

#include "base/zeros.h"
#include "engine/adoption.h"
#include "journal/entry_check.h"
#include "journal/head_record.h"
#include "journal/layout.h"
#include "journal/scan.h"
#include "platform/read_fully.h"

namespace pinnacle {

namespace {

// For how long the lock of a window that is the directory's own is waited for.
constexpr int kLockLooks = 1000;
constexpr std::chrono::milliseconds kLockPause{2};
bool IsGone(Code code) { return code == Code::kNotFound || code == Code::kNotADirectory; }

// There is something that is not, or can't be, the window of this user.
bool IsUnusable(const Status& status) {
  return status.code() == Code::kNotOurFile || status.code() == Code::kPermission ||
         status.code() == Code::kLocked || status.system_error() == ELOOP;
}

std::string Of(const std::string& window) { return "the window '" + window + "' "; }

// Of the segments that are scanned for the files' end: more than the ring can have is not needed.
uint64_t ScanFrom(const Layout& layout, const WindowHeader& header) {
  uint64_t bytes = 0;
  uint64_t first = 0;
  for (auto segment = layout.segments.rbegin(); segment != layout.segments.rend(); ++segment) {
    if (segment->first_sequence == 0) continue;
    first = segment->first_sequence;
    if (segment->file.index <= header.first_segment) break;
    bytes += segment->header.segment_bytes;
    if (bytes > header.ring_bytes + segment->header.segment_bytes) break;
  }
  return first != 0 ? first : header.first_sequence;
}

// The ring, twice in a row: whatever it has from any place on can be read in one piece.
class Ring {
 public:
  Status Read(const File& file, const WindowHeader& header) {
    header_ = header;
    bytes_.resize(2 * header.ring_bytes);
    size_t got = 0;
    PINNACLE_RETURN_IF_ERROR(
        ReadFully(file, kWindowHeaderBytes, {bytes_.data(), header.ring_bytes}, &got));
    if (got < header.ring_bytes) std::memset(bytes_.data() + got, 0, header.ring_bytes - got);
    std::memcpy(bytes_.data() + header.ring_bytes, bytes_.data(), header.ring_bytes);
    return Status();
  }

  uint64_t PlaceOf(uint64_t segment, uint64_t offset) const {
    return pinnacle::PlaceOf(header_, segment, offset);
  }
  std::span<const uint8_t> From(uint64_t place, uint64_t bytes) const {
    return {bytes_.data() + place % header_.ring_bytes, std::min(bytes, header_.ring_bytes)};
  }
  const WindowHeader& header() const { return header_; }

 private:
  WindowHeader header_{};
  std::vector<uint8_t> bytes_;
};

class Planner {
 public:
  Planner(const Environment& environment, const std::string& data_directory,
          const std::vector<std::string>& directories, bool takes, Adoption* adoption)
      : fs_(environment.file_system),
        directory_(data_directory),
        directories_(directories),
        takes_(takes),
        adoption_(adoption),
        finding_(adoption->finding) {}

  Status Plan() {
    bool named = false;
    PINNACLE_RETURN_IF_ERROR(FindNamed(&named));
    if (!named) return Status();
    PINNACLE_RETURN_IF_ERROR(OpenOwn());
    if (finding_.fate != WindowFate::kUsed) return Status();
    PINNACLE_RETURN_IF_ERROR(ring_.Read(*adoption_->file, header_));
    PINNACLE_RETURN_IF_ERROR(FindEnd());
    // (A writer that ended before it had its first segment stored nothing.)
    if (finding_.fate != WindowFate::kUsed || at_ == nullptr) return Status();
    Follow();
    PINNACLE_RETURN_IF_ERROR(CheckRest());
    if (taken_.empty()) return Status();
    PINNACLE_RETURN_IF_ERROR(Compare());
    if (finding_.fate == WindowFate::kUsed) Take();
    return Status();
  }

 private:
  struct Stretch {  // of lines that only the window has
    const SegmentFacts* segment;
    uint64_t begin;
    uint64_t end;
  };

  void Refuse(const std::string& why) {
    finding_.fate = WindowFate::kRefused;
    finding_.reason = Of(finding_.path) + "can't be used: " + why;
  }

  // Finds the window that the head record names; if the record is damaged, the newest one of this
  // directory.
  Status FindNamed(bool* named) {
    HeadFinding head;
    PINNACLE_RETURN_IF_ERROR(ReadHead(fs_, directory_, &head));
    *named = head.valid && NamesWindow(head.record);
    if (!*named && head.valid) return Status();
    if (!head.exists) {
      // A new directory has no window; one that has segments has lost its head record.
      Layout layout;
      PINNACLE_RETURN_IF_ERROR(ReadLayout(fs_, directory_, false, &layout));
      if (layout.segments.empty()) return Status();
    }
    BootId boot;
    PINNACLE_RETURN_IF_ERROR(fs_->ReadBootId(&boot));
    if (*named) {
      head_ = head.record;
      finding_.path = WindowPathOf(head_);
      if (std::memcmp(boot.data(), head_.boot_id, boot.size()) != 0) {
        finding_.fate = WindowFate::kOtherBoot;
        *named = false;
      }
      return Status();
    }
    FileIdentity own;
    PINNACLE_RETURN_IF_ERROR(fs_->Identify(directory_, &own));
    for (const std::string& directory : directories_) {
      std::vector<std::string> paths;
      PINNACLE_RETURN_IF_ERROR(ListWindows(fs_, directory, &paths));
      for (const std::string& path : paths) {
        std::unique_ptr<File> file;
        WindowHeader header;
        std::string reason;
        Status opened = OpenWindowFile(fs_, path, &file, &header, &reason);
        if (!opened.ok() && !IsGone(opened.code()) && !IsUnusable(opened)) return opened;
        if (file == nullptr) continue;
        if (!(IdentityOf(header) == own) || header.epoch < head_.epoch ||
            std::memcmp(boot.data(), header.boot_id, boot.size()) != 0) {
          continue;
        }
        *named = true;
        finding_.path = path;
        std::memcpy(head_.window_id, header.window_id, sizeof(head_.window_id));
        std::memcpy(head_.boot_id, header.boot_id, sizeof(head_.boot_id));
        head_.epoch = header.epoch;
        head_.journal_id_low = header.journal_id_low;
        head_.journal_id_high = header.journal_id_high;
      }
    }
    return Status();
  }

  Status OpenOwn() {
    std::string reason;
    Status opened = OpenWindowFile(fs_, finding_.path, &adoption_->file, &header_, &reason);
    if (IsGone(opened.code())) {
      const std::string refused = RefusedName(finding_.path);
      bool was_refused = false;
      Status looked = fs_->Exists(refused, &was_refused);
      if (!looked.ok() && !IsGone(looked.code())) return looked;
      if (was_refused) {
        finding_.path = refused;
        Refuse("an earlier open, which did not finish, refused it");
        return Status();
      }
      finding_.fate = WindowFate::kGone;
      finding_.reason = Of(finding_.path) +
                        "is gone, and with it the entries that were not yet in the segment files "
                        "when its writer ended";
      return Status();
    }
    // Any other error says nothing of the window: a later open may be able to read it.
    if (!opened.ok() && !IsUnusable(opened)) return opened;
    if (!opened.ok()) {
      Refuse(std::string(opened.message()));
      return Status();
    }
    FileIdentity own;
    PINNACLE_RETURN_IF_ERROR(fs_->Identify(directory_, &own));
    const bool has_header = std::memcmp(header_.magic, kWindowMagic, sizeof(kWindowMagic)) == 0;
    if (has_header && !(IdentityOf(header_) == own)) {
      finding_.is_others = true;
      Refuse("it belongs to " + DirectoryOf(header_) +
             ", of which this directory is a copy; the copy lacks the entries that were not yet "
             "in the segment files");
    } else if (adoption_->file == nullptr) {
      Refuse(reason);
    } else if (std::memcmp(header_.window_id, head_.window_id, sizeof(header_.window_id)) != 0 ||
               std::memcmp(header_.boot_id, head_.boot_id, sizeof(header_.boot_id)) != 0 ||
               header_.epoch != head_.epoch || header_.journal_id_low != head_.journal_id_low ||
               header_.journal_id_high != head_.journal_id_high) {
      Refuse("its header is not the one that the head record names");
    } else {
      finding_.fate = WindowFate::kUsed;
      if (takes_) return AwaitLock();
    }
    return Status();
  }

  // The lock of a writer that was just killed goes a moment after the directory's. A process that
  // holds it longer is not a writer of this directory, and going on without the window would lose
  // entries.
  Status AwaitLock() {
    for (int look = 0;; ++look) {
      Status locked = LockWindowFile(adoption_->file.get(), finding_.path, header_);
      if (locked.code() != Code::kLocked || look >= kLockLooks) {
        return std::move(locked).WithContext(
            "the window that the last writer of " + directory_ +
            " left can't be taken over: another process has it open; end that process and try "
            "again");
      }
      std::this_thread::sleep_for(kLockPause);
    }
  }

  // Finds the end of the files.
  Status FindEnd() {
    Layout layout;
    PINNACLE_RETURN_IF_ERROR(ReadLayout(fs_, directory_, false, &layout));
    all_ = layout.segments;
    ScanOptions options;
    options.from_sequence = ScanFrom(layout, header_);
    options.next_if_empty = header_.first_sequence;
    PINNACLE_RETURN_IF_ERROR(ScanJournal(fs_, std::move(layout), options, nullptr, &scan_));
    if (scan_.verdict.tail == Tail::kCorrupt) {
      Refuse("the files are damaged at the place that it continues (" + scan_.verdict.reason + ")");
      return Status();
    }
    next_ = scan_.evidence.next_sequence;
    if (scan_.stop_segment >= 0) {
      const SegmentFacts& stop = scan_.segments[static_cast<size_t>(scan_.stop_segment)];
      at_ = FactsOf(stop.file.index);
      offset_ = stop.end_offset;
    } else {
      at_ = FactsOf(header_.first_segment);
      offset_ = kSegmentHeaderBytes;
      next_ = header_.first_sequence;
    }
    files_next_ = next_;
    return Status();
  }

  const SegmentFacts* FactsOf(uint64_t index) const {
    const auto found = std::find_if(all_.begin(), all_.end(), [&](const SegmentFacts& facts) {
      return facts.file.index == index && facts.header_valid && !facts.missing;
    });
    return found == all_.end() ? nullptr : &*found;
  }

  // The entry with this sequence at a place; 0: there is none. Else its bytes.
  uint64_t EntryAt(const SegmentFacts& segment, uint64_t offset,
                   [[maybe_unused]] uint64_t sequence) const {
    if (segment.file.index < header_.first_segment || offset >= segment.header.segment_bytes) {
      return 0;
    }
    const uint64_t place = ring_.PlaceOf(segment.file.index, offset);
    const std::span<const uint8_t> bytes = ring_.From(place, segment.header.segment_bytes - offset);
    const EntryCheck check = CheckEntry(bytes, offset, SeedOfSegment(segment.header.segment_id));
    if (check.state != EntryState::kValid) return 0;
    if (FirstSequenceOf(LoadHeader(bytes.data()), bytes.data()) != sequence) return 0;
    return check.bytes;
  }

  // Of a valid entry.
  bool MoreFollowsAt(const SegmentFacts& segment, uint64_t offset) const {
    const uint64_t place = ring_.PlaceOf(segment.file.index, offset);
    return (LoadHeader(ring_.From(place, kLineBytes).data()).flags & kFlagMoreFollows) != 0;
  }

  // Follows the run of entries that continues the files. A transaction that the writer had not
  // finished storing is left out as a whole.
  void Follow() {
    const SegmentFacts* segment = at_;
    uint64_t offset = offset_;
    uint64_t begin = offset;
    uint64_t open_entries = 0;  // of a transaction whose end was not met yet
    uint64_t whole_offset = offset;
    const auto close = [&] {
      if (whole_offset > begin) taken_.push_back({segment, begin, whole_offset});
    };
    while (true) {
      if (const uint64_t bytes = EntryAt(*segment, offset, next_); bytes > 0) {
        const bool more_follows = MoreFollowsAt(*segment, offset);
        offset += bytes;
        ++next_;
        ++finding_.entries;
        open_entries = more_follows ? open_entries + 1 : 0;
        if (!more_follows) whole_offset = offset;
        if (finding_.entries > header_.ring_bytes / kLineBytes) break;
        continue;
      }
      // (A transaction does not go on in another segment.)
      const SegmentFacts* following =
          open_entries == 0 ? FactsOf(segment->file.index + 1) : nullptr;
      if (following == nullptr || EntryAt(*following, kSegmentHeaderBytes, next_) == 0) break;
      close();
      segment = following;
      begin = offset = whole_offset = kSegmentHeaderBytes;
    }
    close();
    finding_.entries -= open_entries;
    finding_.last_sequence = next_ - 1 - open_entries;
    end_place_ = ring_.PlaceOf(segment->file.index, offset);
  }

  // Whether the ring has entries after a hole.
  Status CheckRest() {
    for (uint64_t place = 0; place < header_.ring_bytes; place += kLineBytes) {
      const std::span<const uint8_t> bytes = ring_.From(place, header_.ring_bytes);
      const EntryHeader entry = LoadHeader(bytes.data());
      if (!HeaderIsPlausible(entry) || entry.sequence < next_) {
        continue;
      }
      for (const SegmentFacts& segment : all_) {
        if (!segment.header_valid || segment.file.index < at_->file.index) continue;
        const EntryCheck check =
            CheckEntry(bytes, kSegmentHeaderBytes, SeedOfSegment(segment.header.segment_id));
        if (check.state != EntryState::kValid) continue;
        const std::string what = "entry " + std::to_string(entry.sequence) +
                                 " is in it, and entry " + std::to_string(next_) +
                                 " is neither there nor in the files";
        if (next_ > files_next_) {
          finding_.reason = Of(finding_.path) + "is damaged: " + what;
          return Status();
        }
        return Status(Code::kCorrupt,
                      "the segment files have lost entries that were written to them: " +
                          Of(finding_.path) + "begins too late: " + what);
      }
    }
    return Status();
  }

  // Compares every line that file and window both have, of the newest half of the ring: an entry
  // that was being stored when the writer ended may have overwritten older lines.
  Status Compare() {
    const uint64_t oldest =
        end_place_ > header_.ring_bytes / 2 ? end_place_ - header_.ring_bytes / 2 : 0;
    for (const SegmentFacts& segment : scan_.segments) {
      if (segment.file.index < header_.first_segment || segment.missing) continue;
      const uint64_t begin =
          segment.file.index == header_.first_segment ? FirstKnown() : kSegmentHeaderBytes;
      const bool is_last = segment.file.index == at_->file.index;
      const uint64_t end = is_last ? offset_ : segment.end_offset;
      const uint64_t base = ring_.PlaceOf(segment.file.index, 0);
      const uint64_t from = std::max(begin, oldest > base ? oldest - base : 0);
      if (segment.file.index <= at_->file.index && from < end) {
        PINNACLE_RETURN_IF_ERROR(CompareRange(segment, from, end, false));
      }
    }
    PINNACLE_RETURN_IF_ERROR(CompareLast());
    for (const Stretch& stretch : taken_) {
      PINNACLE_RETURN_IF_ERROR(CompareRange(*stretch.segment, stretch.begin, stretch.end, true));
    }
    return Status();
  }

  // Compares the last entry that the files have, at any place in the ring: if it verifies there,
  // nothing was stored over it.
  Status CompareLast() {
    const uint64_t most = std::min(offset_ - kSegmentHeaderBytes, header_.ring_bytes / 2);
    for (uint64_t bytes = kLineBytes; bytes <= most; bytes += kLineBytes) {
      const uint64_t begin = offset_ - bytes;
      if (ring_.PlaceOf(at_->file.index, begin) + header_.ring_bytes < end_place_) break;
      if (EntryAt(*at_, begin, files_next_ - 1) != bytes) continue;
      return CompareRange(*at_, begin, offset_, false);
    }
    return Status();
  }

  // The line before the first one that the writer stored is in the window too.
  uint64_t FirstKnown() const {
    return header_.first_offset > kSegmentHeaderBytes ? header_.first_offset - kLineBytes
                                                      : kSegmentHeaderBytes;
  }

  // `taken`: the file may have nothing there, or the beginning of a line.
  Status CompareRange(const SegmentFacts& segment, uint64_t begin, uint64_t end, bool taken) {
    std::unique_ptr<File> file;
    PINNACLE_RETURN_IF_ERROR(fs_->Open(segment.file.path, OpenMode::kRead, &file));
    std::vector<uint8_t> bytes(256 * 1024);
    while (begin < end) {
      const std::span<uint8_t> piece(bytes.data(), std::min<uint64_t>(bytes.size(), end - begin));
      size_t got = 0;
      PINNACLE_RETURN_IF_ERROR(ReadFully(*file, begin, piece, &got));
      std::fill(piece.begin() + static_cast<ptrdiff_t>(got), piece.end(), uint8_t{0});
      const uint8_t* own =
          ring_.From(ring_.PlaceOf(segment.file.index, begin), piece.size()).data();
      for (size_t line = 0; line < piece.size(); line += kLineBytes) {
        if (Agree(piece.data() + line, own + line, taken)) continue;
        Refuse("it differs from " + segment.file.path + " at offset " +
               std::to_string(begin + line) +
               ": the directory was restored, or written to without the window");
        return Status();
      }
      begin += piece.size();
    }
    return Status();
  }

  static bool Agree(const uint8_t* in_file, const uint8_t* in_window, bool taken) {
    if (std::memcmp(in_file, in_window, kLineBytes) == 0) return true;
    if (!taken) return false;
    const auto differs = std::mismatch(in_file, in_file + kLineBytes, in_window).first;
    return AllZero(differs, static_cast<size_t>(in_file + kLineBytes - differs));
  }

  void Take() {
    for (const Stretch& stretch : taken_) {
      AdoptionPiece piece;
      piece.path = stretch.segment->file.path;
      piece.segment_bytes = stretch.segment->header.segment_bytes;
      piece.offset = stretch.begin;
      const std::span<const uint8_t> bytes = ring_.From(
          ring_.PlaceOf(stretch.segment->file.index, stretch.begin), stretch.end - stretch.begin);
      piece.bytes.assign(bytes.begin(), bytes.end());
      adoption_->pieces.push_back(std::move(piece));
    }
  }

  FileSystem* const fs_;
  const std::string& directory_;
  const std::vector<std::string>& directories_;
  const bool takes_;
  Adoption* const adoption_;
  WindowFinding& finding_;

  HeadRecord head_{};
  WindowHeader header_{};
  Ring ring_;
  std::vector<SegmentFacts> all_;
  ScanResult scan_;
  const SegmentFacts* at_ = nullptr;  // the segment that the files end in
  uint64_t offset_ = 0;
  uint64_t files_next_ = 0;  // the sequence that goes on there
  uint64_t next_ = 0;
  uint64_t end_place_ = 0;  // the end of the window
  std::vector<Stretch> taken_;
};

}  // namespace

Status PlanAdoption(const Environment& environment, const std::string& data_directory,
                    const std::vector<std::string>& directories, bool takes, Adoption* adoption) {
  *adoption = Adoption();
  return Planner(environment, data_directory, directories, takes, adoption).Plan();
}

}  // namespace pinnacle
