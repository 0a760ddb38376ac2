#include "journal/segment_supply.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "platform/read_fully.h"

namespace pinnacle {

SegmentSupply::SegmentSupply(const Environment& environment, std::string journal_directory,
                             JournalId journal_id, uint64_t segment_bytes, uint64_t max_spares)
    : environment_(environment),
      journal_directory_(std::move(journal_directory)),
      journal_id_(journal_id),
      segment_bytes_(segment_bytes),
      max_spares_(max_spares) {}

void SegmentSupply::Start(uint64_t next_index, uint64_t predecessor_link, bool maps,
                          std::vector<uint64_t> spares, Check check, Announce announce) {
  std::lock_guard lock(mutex_);
  maps_ = maps;
  next_index_ = next_index;
  predecessor_link_ = predecessor_link;
  check_ = std::move(check);
  announce_ = std::move(announce);
  spares_ = std::move(spares);
  spare_count_.store(spares_.size(), std::memory_order_relaxed);
}

Status SegmentSupply::Prepare() {
  if (ready()) return Status();
  std::lock_guard lock(mutex_);
  return PrepareLocked();
}

std::shared_ptr<Segment> SegmentSupply::next_ready() const {
  std::lock_guard lock(ready_mutex_);
  return ready_;
}

void SegmentSupply::SetReady(std::shared_ptr<Segment> segment) {
  std::lock_guard lock(ready_mutex_);
  is_ready_.store(segment != nullptr, std::memory_order_release);
  ready_ = std::move(segment);
}

std::shared_ptr<Segment> SegmentSupply::TakeReady() {
  std::lock_guard lock(ready_mutex_);
  is_ready_.store(false, std::memory_order_release);
  return std::exchange(ready_, nullptr);
}

Status SegmentSupply::RequireFeature(uint64_t bits) {
  std::lock_guard lock(mutex_);
  features_ |= bits;
  for (const std::shared_ptr<Segment>& segment : {made_, next_ready()}) {
    if (segment == nullptr) continue;
    PINNACLE_RETURN_IF_ERROR(
        AddMandatoryFeatures(segment->file.get(), {segment->index, segment->path}, bits));
  }
  return Status();
}

Status SegmentSupply::Take(std::shared_ptr<Segment>* segment) {
  *segment = TakeReady();
  if (*segment != nullptr) return Status();
  const uint64_t start_ns = environment_.clock->MonotonicNs();
  std::lock_guard lock(mutex_);
  PINNACLE_RETURN_IF_ERROR(PrepareLocked());
  *segment = TakeReady();
  stalls_.fetch_add(1, std::memory_order_relaxed);
  stall_ns_.fetch_add(environment_.clock->MonotonicNs() - start_ns, std::memory_order_relaxed);
  return Status();
}

Status SegmentSupply::PrepareLocked() {
  if (ready()) return Status();
  if (check_) PINNACLE_RETURN_IF_ERROR(check_());
  // A head record whose write failed may name it all the same, so it is not made again.
  if (made_ == nullptr) PINNACLE_RETURN_IF_ERROR(MakeNext());
  if (announce_) PINNACLE_RETURN_IF_ERROR(announce_(made_->index, made_->segment_id));
  ++next_index_;
  predecessor_link_ = made_->segment_id;
  SetReady(std::exchange(made_, nullptr));
  return Status();
}

Status SegmentSupply::TakeSpare(std::unique_ptr<File>* file, std::string* path, uint64_t* old_id) {
  FileSystem* fs = environment_.file_system;
  while (!spares_.empty()) {
    *path = journal_directory_ + "/" + SpareName(spares_.front());
    spares_.erase(spares_.begin());
    spare_count_.store(spares_.size(), std::memory_order_relaxed);
    uint64_t size = 0;
    PINNACLE_RETURN_IF_ERROR(fs->Open(*path, OpenMode::kReadWrite, file));
    PINNACLE_RETURN_IF_ERROR((*file)->Size(&size));
    if (size == segment_bytes_) {
      SegmentHeader old{};
      size_t bytes_read = 0;
      PINNACLE_RETURN_IF_ERROR(
          (*file)->Read(0, {reinterpret_cast<uint8_t*>(&old), sizeof(old)}, &bytes_read));
      if (bytes_read == sizeof(old)) *old_id = old.segment_id;
      return Status();
    }
    // (The segment size was changed.)
    file->reset();
    PINNACLE_RETURN_IF_ERROR(fs->Remove(*path));
  }
  return Status();
}

Status SegmentSupply::MakeNext() {
  FileSystem* fs = environment_.file_system;
  const uint64_t index = next_index_;
  const std::string path = journal_directory_ + "/" + SegmentName(index);

  std::unique_ptr<File> file;
  std::string work_path;
  uint64_t recycled_from = 0;
  PINNACLE_RETURN_IF_ERROR(TakeSpare(&file, &work_path, &recycled_from));
  const bool recycle = file != nullptr;
  if (!recycle) {
    work_path = journal_directory_ + "/" + SpareName(index) + ".tmp";
    bool exists = false;
    PINNACLE_RETURN_IF_ERROR(fs->Exists(work_path, &exists));
    if (exists)
      PINNACLE_RETURN_IF_ERROR(fs->Remove(work_path));  // of a preparation that was cut off
    PINNACLE_RETURN_IF_ERROR(fs->Open(work_path, OpenMode::kCreate, &file));
  }
  uint64_t segment_id = 0;
  bool filled = false;
  Status made = MakeFile(work_path, file.get(), index, recycled_from, &segment_id, &filled);
  if (!made.ok()) {
    file.reset();
    // Best effort: the file is of no use and may be what fills the disk.
    (void)fs->Remove(work_path);
    return std::move(made).WithContext("making journal segment " + std::to_string(index));
  }
  PINNACLE_RETURN_IF_ERROR(fs->Rename(work_path, path));
  PINNACLE_RETURN_IF_ERROR(fs->SyncDirectory(journal_directory_));
  // By its name: errors of later writes say which file they are of.
  PINNACLE_RETURN_IF_ERROR(fs->Open(path, OpenMode::kReadWrite, &file));

  auto segment = std::make_shared<Segment>();
  segment->index = index;
  segment->segment_id = segment_id;
  segment->link = segment_id;
  segment->seed = SeedOfSegment(segment_id);
  segment->bytes = segment_bytes_;
  segment->path = path;
  segment->filled_offset = segment_bytes_;
  if (!filled) {
    segment->filled_offset = std::min(kFirstFilledBytes, segment_bytes_);
    PINNACLE_RETURN_IF_ERROR(ZeroFill(file.get(), kSegmentHeaderBytes, segment->filled_offset));
    PINNACLE_RETURN_IF_ERROR(file->Sync());
  }
  PINNACLE_RETURN_IF_ERROR(Attach(std::move(file), 0, kFirstPrefaultBytes, segment.get()));
  (recycle ? recycled_ : created_).fetch_add(1, std::memory_order_relaxed);
  made_ = std::move(segment);
  return Status();
}

Status SegmentSupply::MakeFile(const std::string& path, File* file, uint64_t index,
                               uint64_t recycled_from, uint64_t* segment_id, bool* filled) {
  PINNACLE_RETURN_IF_ERROR(file->Preallocate(segment_bytes_));
  bool marked_empty = false;
  PINNACLE_RETURN_IF_ERROR(file->ZeroBlocks(0, segment_bytes_, &marked_empty));
  if (!marked_empty) PINNACLE_RETURN_IF_ERROR(ZeroFill(file, 0, segment_bytes_));
  *filled = !marked_empty;
  uint64_t id = 0;
  do {
    id = environment_.random->NextU64();
    // Another seed than the file's last one: its old entries then verify nowhere in the new
    // segment.
  } while (id == 0 || SeedOfSegment(id) == SeedOfSegment(recycled_from));
  const SegmentHeader header =
      MakeSegmentHeader(journal_id_, index, id, recycled_from, segment_bytes_, predecessor_link_,
                        features_, environment_.clock->NowNs());
  PINNACLE_RETURN_IF_ERROR(
      file->Write(0, {reinterpret_cast<const uint8_t*>(&header), sizeof(header)}));
  PINNACLE_RETURN_IF_ERROR(file->Sync());
  uint64_t size = 0;
  PINNACLE_RETURN_IF_ERROR(file->Size(&size));
  if (size != segment_bytes_) {
    return Status(Code::kIo, path + " has " + std::to_string(size) + " bytes instead of " +
                                 std::to_string(segment_bytes_));
  }
  *segment_id = id;
  return Status();
}

Status SegmentSupply::ZeroFill(File* file, uint64_t begin, uint64_t end) {
  static constexpr uint8_t kZeros[kPageBytes] = {};
  while (begin < end) {
    const uint64_t page_end = std::min(end, (begin / kPageBytes + 1) * kPageBytes);
    PINNACLE_RETURN_IF_ERROR(file->Write(begin, {kZeros, static_cast<size_t>(page_end - begin)}));
    begin = page_end;
  }
  return Status();
}

Status SegmentSupply::Rewrite(File* file, uint64_t begin, uint64_t end) {
  std::array<uint8_t, kPageBytes> page;
  while (begin < end) {
    const uint64_t page_end = std::min(end, (begin / kPageBytes + 1) * kPageBytes);
    const std::span<uint8_t> bytes(page.data(), static_cast<size_t>(page_end - begin));
    size_t bytes_read = 0;
    PINNACLE_RETURN_IF_ERROR(ReadFully(*file, begin, bytes, &bytes_read));
    if (bytes_read == 0) return Status();  // the file was shortened from outside
    PINNACLE_RETURN_IF_ERROR(file->Write(begin, bytes.first(bytes_read)));
    begin += bytes_read;
  }
  return Status();
}

// A cut that was seen but did not reach the device would let the dropped entries come back at the
// next power loss. So the tail looks torn until all but the page of the end is durably zero; that
// page is written again at every open.
Status SegmentSupply::ClearRest(File* file, uint64_t end_offset, const SegmentHeader& header) {
  // The marks may name what a policy has cut as durable.
  for (const uint64_t offset : kFrontierMarkOffsets) {
    PINNACLE_RETURN_IF_ERROR(ZeroFill(file, offset, offset + sizeof(FrontierMark)));
  }
  if (end_offset + kLineBytes > header.segment_bytes) return Status();
  // The shape of an entry of which only the first word arrived.
  std::array<uint8_t, kLineBytes> torn{};
  torn[offsetof(EntryHeader, flags)] = kFlagWritten;
  PINNACLE_RETURN_IF_ERROR(file->Write(end_offset, torn));
  PINNACLE_RETURN_IF_ERROR(ZeroFill(file, end_offset + kLineBytes, header.segment_bytes));
  PINNACLE_RETURN_IF_ERROR(file->Sync());
  return ZeroFill(file, end_offset, end_offset + kLineBytes);
}

Status SegmentSupply::MakeDurable(const SegmentFile& name, uint64_t bytes) {
  std::unique_ptr<File> file;
  uint64_t size = 0;
  PINNACLE_RETURN_IF_ERROR(environment_.file_system->Open(name.path, OpenMode::kReadWrite, &file));
  PINNACLE_RETURN_IF_ERROR(file->Size(&size));
  PINNACLE_RETURN_IF_ERROR(Rewrite(file.get(), 0, std::min(size, bytes)));
  return file->Sync();
}

Status SegmentSupply::Reopen(const SegmentFile& name, const SegmentHeader& header,
                             const Reopening& how, std::shared_ptr<Segment>* segment) {
  std::unique_ptr<File> file;
  PINNACLE_RETURN_IF_ERROR(environment_.file_system->Open(name.path, OpenMode::kReadWrite, &file));
  uint64_t size = 0;
  PINNACLE_RETURN_IF_ERROR(file->Size(&size));
  // A file that was copied or restored may have holes, share blocks, or be too short.
  PINNACLE_RETURN_IF_ERROR(file->Preallocate(header.segment_bytes));
  const uint64_t end_offset = how.end_offset;
  // Its features may be in the cache only, if the sync of their change failed.
  if (header.mandatory_features != 0) {
    PINNACLE_RETURN_IF_ERROR(Rewrite(file.get(), 0, kSegmentHeaderBytes));
  }
  [[maybe_unused]] bool clear_rest = how.clear_rest || size < header.segment_bytes;
  if (how.link != 0) {
    const LinkMark mark = MakeLinkMark(SeedOfSegment(header.segment_id), how.link, how.link_counter,
                                       environment_.clock->NowNs());
    PINNACLE_RETURN_IF_ERROR(file->Write(LinkMarkOffset(how.link_counter),
                                         {reinterpret_cast<const uint8_t*>(&mark), sizeof(mark)}));
    PINNACLE_RETURN_IF_ERROR(file->Sync());
  }
  if (clear_rest) PINNACLE_RETURN_IF_ERROR(ClearRest(file.get(), end_offset, header));
  // The pages are written again before the cache is dropped, which would bring back what a failed
  // sync left on the device. The page of the end always is: see ClearRest.
  const uint64_t end_page = end_offset / kPageBytes * kPageBytes;
  const uint64_t rewrite_begin = how.make_durable ? 0 : end_page;
  const uint64_t rewrite_end = std::min(end_page + kPageBytes, header.segment_bytes);
  PINNACLE_RETURN_IF_ERROR(Rewrite(file.get(), rewrite_begin, rewrite_end));
  PINNACLE_RETURN_IF_ERROR(file->Sync());
  // (A copy into a page that is not in the cache would wait for the device.)
  if (maps_) file->DropCache();
  auto opened = std::make_shared<Segment>();
  opened->index = header.segment_index;
  opened->segment_id = header.segment_id;
  opened->link = how.link != 0 ? how.link : header.segment_id;
  opened->seed = SeedOfSegment(header.segment_id);
  opened->bytes = header.segment_bytes;
  opened->path = name.path;
  opened->filled_offset = end_offset / kPageBytes * kPageBytes;
  PINNACLE_RETURN_IF_ERROR(Attach(std::move(file), opened->filled_offset, 0, opened.get()));
  *segment = std::move(opened);
  return Status();
}

Status SegmentSupply::Attach(std::unique_ptr<File> file, uint64_t offset, uint64_t prefault_bytes,
                             Segment* segment) {
  PINNACLE_RETURN_IF_ERROR(file->Identity(&segment->identity));
  if (maps_) {
    PINNACLE_RETURN_IF_ERROR(file->Map(&segment->mapping));
    PINNACLE_CHECK(segment->mapping->size() >= segment->bytes);
    const uint64_t end = std::min(offset + prefault_bytes, segment->bytes);
    segment->mapping->Prefault(offset, end - offset);
    segment->prefaulted_offset = end;
  }
  segment->file = std::move(file);
  return Status();
}

Status SegmentSupply::Empty(const SegmentFile& name) {
  std::unique_ptr<File> file;
  uint64_t size = 0;
  PINNACLE_RETURN_IF_ERROR(environment_.file_system->Open(name.path, OpenMode::kReadWrite, &file));
  PINNACLE_RETURN_IF_ERROR(file->Size(&size));
  bool marked_empty = false;
  const uint64_t end = size / kPageBytes * kPageBytes;
  if (end > kSegmentHeaderBytes) {
    PINNACLE_RETURN_IF_ERROR(file->ZeroBlocks(kSegmentHeaderBytes, end, &marked_empty));
  }
  PINNACLE_RETURN_IF_ERROR(ZeroFill(file.get(), marked_empty ? end : kSegmentHeaderBytes, size));
  return file->Sync();
}

Status SegmentSupply::Retire(const SegmentFile& file, bool* recycled) {
  FileSystem* fs = environment_.file_system;
  std::lock_guard lock(mutex_);
  spares_.reserve(spares_.size() + 1);  // before the file has its new name
  *recycled = spares_.size() < max_spares_;
  uint64_t number = file.index;
  if (*recycled) {
    while (std::find(spares_.begin(), spares_.end(), number) != spares_.end()) ++number;
    PINNACLE_RETURN_IF_ERROR(fs->Rename(file.path, journal_directory_ + "/" + SpareName(number)));
  } else {
    PINNACLE_RETURN_IF_ERROR(fs->Remove(file.path));
  }
  // Before a spare's bytes are overwritten its old name must be gone for good.
  PINNACLE_RETURN_IF_ERROR(fs->SyncDirectory(journal_directory_));
  if (*recycled) spares_.push_back(number);
  spare_count_.store(spares_.size(), std::memory_order_relaxed);
  return Status();
}

void SegmentSupply::Stop() {
  std::lock_guard lock(mutex_);
  made_ = nullptr;
  SetReady(nullptr);
}

SupplyCounters SegmentSupply::counters() const {
  return {created_.load(std::memory_order_relaxed), recycled_.load(std::memory_order_relaxed),
          stalls_.load(std::memory_order_relaxed), stall_ns_.load(std::memory_order_relaxed)};
}

}  // namespace pinnacle
