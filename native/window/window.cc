#include "window/window.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "platform/memory_limit.h"
#include "platform/shared_wait.h"
#include "window/wake_line.h"

namespace pinnacle {

namespace {

// A window takes at most one part in this many of the free memory.
constexpr uint64_t kShareOfRoom = 2;

// Bytes that opening itself touches, before the thread that touches the rest has started.
constexpr uint64_t kFirstTouchBytes = 256 * 1024;

// The possible size of a window; 0: none. `*why_not` says why it is smaller than requested.
uint64_t BytesThatFit(const MemoryRoom& room, uint64_t wanted, std::string* why_not) {
  // Beyond a cgroup's limit the kernel kills the process instead of refusing the memory.
  const uint64_t memory = AvailableMemoryBytes();
  const uint64_t most = std::min(room.free_bytes, memory) / kShareOfRoom;
  if (wanted <= most) return wanted;
  *why_not = std::to_string(room.free_bytes) + " bytes are free there and " +
             std::to_string(memory) + " bytes of memory are left";
  for (uint64_t bytes = wanted / 2 / kPageBytes * kPageBytes; bytes >= kLeastAutoWindowBytes;
       bytes = bytes / 2 / kPageBytes * kPageBytes) {
    if (bytes <= most) return bytes;
  }
  return 0;
}

Status Refusal(Code code, const std::string& directory, const std::string& why) {
  return Status(code, "a window can't be made in '" + directory + "': " + why +
                          "; set windowDirectory or windowSize, or writePath 'mapped'");
}

WindowHeader MakeHeader(const Environment& environment, const WindowOwner& owner,
                        const BootId& boot, const FileIdentity& directory, uint64_t ring_bytes) {
  WindowHeader header{};
  for (size_t half = 0; half < 2; ++half) {
    const uint64_t random = environment.random->NextU64();
    std::memcpy(header.window_id + 8 * half, &random, sizeof(random));
  }
  std::memcpy(header.boot_id, boot.data(), boot.size());
  header.journal_id_low = owner.journal_id_low;
  header.journal_id_high = owner.journal_id_high;
  header.epoch = owner.epoch;
  header.directory_device = directory.device;
  header.directory_inode = directory.inode;
  header.ring_bytes = ring_bytes;
  header.first_segment = owner.segment;
  header.first_segment_bytes = owner.segment_bytes;
  header.first_offset = owner.offset;
  header.first_sequence = owner.sequence;
  header.segment_bytes = owner.later_segment_bytes;
  header.pid = static_cast<uint64_t>(getpid());
  header.created_ns = environment.clock->NowNs();
  std::memcpy(header.directory, owner.data_directory.data(),
              std::min(owner.data_directory.size(), sizeof(header.directory) - 1));
  SealWindowHeader(&header);
  return header;
}

}  // namespace

Status Window::Make(const Environment& environment, const WindowOptions& options,
                    const WindowOwner& owner, std::unique_ptr<Window>* window,
                    std::string* why_none) {
  window->reset();
  why_none->clear();
  if (options.path == WritePath::kMapped) return Status();
  FileSystem* fs = environment.file_system;
  const std::string directory =
      options.directory.empty() ? fs->MemoryDirectory() : options.directory;
  const bool must = options.path == WritePath::kWindow;
  const auto without = [&](Code code, const std::string& why) {
    Status status = Refusal(code, directory, why);
    if (must) return status;
    *why_none = std::string(status.message());
    return Status();
  };
  if (directory.empty()) {
    return without(Code::kInvalidArgument, "this system has no directory in memory of its own");
  }
  if (directory.front() != '/' || directory.size() >= kWindowDirectoryBytes) {
    return without(Code::kInvalidArgument, "its name must be absolute and of at most " +
                                               std::to_string(kWindowDirectoryBytes - 1) +
                                               " bytes");
  }
  MemoryRoom room;
  Status examined = fs->ExamineMemory(directory, &room);
  if (!examined.ok()) return without(examined.code(), std::string(examined.message()));
  if (!room.is_memory) {
    return without(Code::kInvalidArgument, "it is not on a file system in memory (tmpfs)");
  }
  uint64_t bytes = options.bytes;
  std::string why_smaller;
  const uint64_t fitting = BytesThatFit(room, bytes, &why_smaller);
  if (fitting < bytes && (must || fitting == 0)) {
    return without(Code::kNoSpace, std::to_string(bytes) + " bytes are too many: " + why_smaller);
  }
  bytes = fitting;

  BootId boot;
  Status booted = fs->ReadBootId(&boot);
  if (!booted.ok()) return without(booted.code(), std::string(booted.message()));
  FileIdentity identity;
  PINNACLE_RETURN_IF_ERROR(fs->Identify(owner.data_directory, &identity));
  const WindowHeader header = MakeHeader(environment, owner, boot, identity, bytes);

  WindowId id;
  std::memcpy(id.data(), header.window_id, id.size());
  std::unique_ptr<Window> made(new Window(fs, directory, directory + "/" + WindowName(id)));
  Status created = made->Create(environment, header);
  if (!created.ok()) {
    (void)made->Remove();
    return without(created.code(), std::string(created.message()));
  }
  *window = std::move(made);
  return Status();
}

Status Window::Create(const Environment& environment, const WindowHeader& header) {
  header_ = header;
  PINNACLE_RETURN_IF_ERROR(environment.file_system->Open(path_, OpenMode::kCreate, &file_));
  bool locked = false;
  PINNACLE_RETURN_IF_ERROR(file_->TryLock(&locked));
  if (!locked) {
    return Status(Code::kLocked, "'" + path_ + "' was taken by another process when it was made");
  }
  PINNACLE_RETURN_IF_ERROR(file_->Preallocate(kWindowHeaderBytes + header.ring_bytes));
  PINNACLE_RETURN_IF_ERROR(
      file_->Write(0, {reinterpret_cast<const uint8_t*>(&header_), sizeof(header_)}));
  PINNACLE_RETURN_IF_ERROR(file_->Map(&mapping_));
  ring_ = mapping_->data() + kWindowHeaderBytes;
  const Status kept = mapping_->KeepInMemory();
  if (!kept.ok()) lock_refusal_ = std::string(kept.message());
  touched_bytes_ = kWindowHeaderBytes;
  // Touches the ring around the writer's start: the other thread reaches it later.
  const uint64_t begin = header_.first_offset % header_.ring_bytes / kPageBytes * kPageBytes;
  mapping_->Prefault(kWindowHeaderBytes + begin,
                     std::min(kFirstTouchBytes, header_.ring_bytes - begin));
  return Status();
}

WindowId Window::id() const {
  WindowId id;
  std::memcpy(id.data(), header_.window_id, id.size());
  return id;
}

void Window::Store(uint64_t place, std::span<const uint8_t> bytes) const {
  constexpr size_t kLastBytes = sizeof(uint64_t);
  PINNACLE_CHECK(bytes.size() >= kLastBytes && bytes.size() <= header_.ring_bytes);
  const size_t body = bytes.size() - kLastBytes;
  const size_t first = std::min<uint64_t>(body, ContiguousAt(place));
  std::memcpy(At(place), bytes.data(), first);
  if (body > first) std::memcpy(ring_, bytes.data() + first, body - first);
  uint64_t last;
  std::memcpy(&last, bytes.data() + body, sizeof(last));
  __atomic_store_n(reinterpret_cast<uint64_t*>(At(place + body)), last, __ATOMIC_RELEASE);
}

void Window::Announce(uint64_t written, uint64_t durable, uint64_t monotonic_ns) const {
  auto* line = reinterpret_cast<WakeLine*>(mapping_->data() + kWakeOffset);
  __atomic_store_n(&line->written, written, __ATOMIC_RELAXED);
  __atomic_store_n(&line->durable, durable, __ATOMIC_RELAXED);
  __atomic_fetch_add(&line->moves, 1, __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&line->waiting_until_ns, __ATOMIC_SEQ_CST) > monotonic_ns) {
    WakeWaiters(&line->moves);
  }
}

bool Window::IsHurried(uint64_t monotonic_ns) const {
  const auto* line = reinterpret_cast<const WakeLine*>(mapping_->data() + kWakeOffset);
  return __atomic_load_n(&line->spinning_until_ns, __ATOMIC_RELAXED) > monotonic_ns;
}

uint64_t Window::TouchStep(uint64_t bytes) {
  const uint64_t begin = touched_bytes_.load(std::memory_order_relaxed);
  const uint64_t end = std::min(mapping_->size(), begin + bytes);
  if (begin >= end) return 0;
  mapping_->Prefault(begin, end - begin);
  touched_bytes_.store(end, std::memory_order_relaxed);
  return end - begin;
}

Status Window::Check() const {
  bool is_private = false;
  PINNACLE_RETURN_IF_ERROR(file_->IsPrivate(1, &is_private));
  uint64_t size = 0;
  PINNACLE_RETURN_IF_ERROR(file_->Size(&size));
  if (is_private && size == mapping_->size()) return Status();
  return LossStatus();
}

Status Window::LossStatus() const {
  return Status(Code::kDirectoryLost,
                "the window '" + path_ +
                    "' was removed, linked or cut short while it is in use: if this process is "
                    "killed, what is not yet in the segment files is lost; find out what removes "
                    "files there, and open the directory again");
}

Status Window::Remove() { return file_system_->Remove(path_); }

}  // namespace pinnacle
