// Files and mappings of the simulated file system.
#include <algorithm>
#include <cerrno>
#include <limits>
#include <vector>

#include "platform/posix_error.h"
#include "simulator/simulated_disk.h"

namespace pinnacle {
namespace {

constexpr uint64_t kMaxOffset = std::numeric_limits<int64_t>::max();

Status RefuseDead(const std::string& path) {
  return Status(Code::kClosed,
                "'" + path + "' was opened by a simulated process that was killed; open it again");
}

class SimulatedMapping final : public Mapping {
 public:
  SimulatedMapping(std::shared_ptr<SimulatedDisk> disk, std::shared_ptr<Inode> inode)
      : disk_(std::move(disk)),
        inode_(std::move(inode)),
        buffer_(inode_->buffer),
        process_(disk_->process) {
    data_ = buffer_->data();
    size_ = buffer_->size();
  }

  Status Sync(uint64_t offset, uint64_t length) override {
    if (process_ != disk_->process) return RefuseDead(inode_->path);
    if (offset > size_ || length > size_ - offset) {
      return Status(Code::kInvalidArgument,
                    "cannot sync bytes outside the mapping of '" + inode_->path +
                        "': keep offset + length within its " + std::to_string(size_) + " bytes");
    }
    if (length == 0) return Status();
    const Fault fault = disk_->Begin(CallKind::kMapSync, inode_->path, offset, length);
    const uint64_t end = (offset + length + kPageBytes - 1) / kPageBytes;
    return disk_->SyncPages(*inode_, offset / kPageBytes, end, fault);
  }

  void Prefault(uint64_t, uint64_t) override {}

 private:
  std::shared_ptr<SimulatedDisk> disk_;
  std::shared_ptr<Inode> inode_;
  std::shared_ptr<PageBuffer> buffer_;
  uint64_t process_;
};

class SimulatedFile final : public File {
 public:
  SimulatedFile(std::shared_ptr<SimulatedDisk> disk, std::shared_ptr<Inode> inode, bool is_writable)
      : disk_(std::move(disk)),
        inode_(std::move(inode)),
        is_writable_(is_writable),
        process_(disk_->process) {}

  ~SimulatedFile() override {
    if (has_lock_ && process_ == disk_->process) disk_->locked_files.erase(inode_->id);
  }

  Status Read(uint64_t offset, std::span<uint8_t> out, size_t* bytes_read) const override {
    *bytes_read = 0;
    Fault fault;
    PINNACLE_RETURN_IF_ERROR(Begin(CallKind::kRead, "read", offset, out.size(), &fault));
    if (fault.system_error != 0) return SystemError(fault.system_error, "read", inode_->path);
    const uint64_t size = inode_->buffer->size();
    if (offset >= size) return Status();
    const uint64_t length =
        std::min({static_cast<uint64_t>(out.size()), size - offset, fault.bytes});
    std::copy_n(inode_->buffer->data() + offset, length, out.data());
    *bytes_read = length;
    return Status();
  }

  Status Write(uint64_t offset, std::span<const uint8_t> bytes) override {
    Fault fault;
    PINNACLE_RETURN_IF_ERROR(CheckWritable("write"));
    PINNACLE_RETURN_IF_ERROR(Begin(CallKind::kWrite, "write", offset, bytes.size(), &fault));
    const uint64_t length =
        fault.system_error == 0 ? bytes.size() : std::min<uint64_t>(fault.bytes, bytes.size());
    if (length > 0) {
      const uint64_t end = offset + length;
      if (end > inode_->buffer->size()) {
        PINNACLE_RETURN_IF_ERROR(disk_->Resize(*inode_, end, "write"));
      }
      std::copy_n(bytes.data(), length, inode_->buffer->data() + offset);
      for (uint64_t page = offset / kPageBytes; page * kPageBytes < end; ++page) {
        inode_->state.rewritten.insert(page);
      }
    }
    if (fault.system_error == 0) return Status();
    return SystemError(fault.system_error, "write", inode_->path);
  }

  Status WritePadded(uint64_t offset, std::span<const uint8_t> bytes, uint64_t zeros) override {
    std::vector<uint8_t> padded(bytes.begin(), bytes.end());
    padded.resize(bytes.size() + zeros);
    return Write(offset, padded);
  }

  Status Sync() override {
    Fault fault;
    PINNACLE_RETURN_IF_ERROR(Begin(CallKind::kSync, "sync", 0, 0, &fault));
    return disk_->SyncPages(*inode_, 0, ~uint64_t{0}, fault);
  }

  Status Size(uint64_t* bytes) const override {
    Fault fault;
    PINNACLE_RETURN_IF_ERROR(Begin(CallKind::kSize, "read the size of", 0, 0, &fault));
    if (fault.system_error != 0) {
      return SystemError(fault.system_error, "read the size of", inode_->path);
    }
    *bytes = inode_->buffer->size();
    return Status();
  }

  Status Identity(FileIdentity* identity) const override {
    *identity = {0, inode_->id};
    return Status();
  }

  Status Truncate(uint64_t bytes) override {
    Fault fault;
    PINNACLE_RETURN_IF_ERROR(CheckWritable("change the size of"));
    PINNACLE_RETURN_IF_ERROR(Begin(CallKind::kTruncate, "change the size of", 0, bytes, &fault));
    if (fault.system_error != 0) {
      return SystemError(fault.system_error, "change the size of", inode_->path);
    }
    return disk_->Resize(*inode_, bytes, "change the size of");
  }

  Status Preallocate(uint64_t bytes) override {
    Fault fault;
    PINNACLE_RETURN_IF_ERROR(CheckWritable("reserve space for"));
    PINNACLE_RETURN_IF_ERROR(Begin(CallKind::kPreallocate, "reserve space for", 0, bytes, &fault));
    if (fault.system_error != 0) {
      return SystemError(fault.system_error, "reserve space for", inode_->path);
    }
    if (bytes <= inode_->buffer->size()) return Status();
    return disk_->Resize(*inode_, bytes, "reserve space for");
  }

  // Like the real one: visible at once, and until the sync a crash keeps it or not, page by page.
  Status ZeroBlocks(uint64_t begin, uint64_t end, bool* done) override {
    *done = false;
    Fault fault;
    PINNACLE_RETURN_IF_ERROR(CheckWritable("zero blocks of"));
    PINNACLE_RETURN_IF_ERROR(
        Begin(CallKind::kZeroBlocks, "zero blocks of", begin, end - begin, &fault));
    if (fault.system_error != 0) {
      return SystemError(fault.system_error, "zero blocks of", inode_->path);
    }
    end = std::min(end, inode_->buffer->size());
    for (uint64_t page = begin / kPageBytes; page * kPageBytes < end; ++page) {
      const uint64_t start = page * kPageBytes;
      std::fill_n(inode_->buffer->data() + start, std::min(kPageBytes, end - start), uint8_t{0});
      inode_->state.rewritten.insert(page);
    }
    *done = true;
    return Status();
  }

  Status TryLock(bool* locked) override {
    Fault fault;
    PINNACLE_RETURN_IF_ERROR(Begin(CallKind::kLock, "lock", 0, 0, &fault));
    if (fault.system_error != 0) return SystemError(fault.system_error, "lock", inode_->path);
    *locked = has_lock_ || disk_->locked_files.insert(inode_->id).second;
    has_lock_ = *locked;
    return Status();
  }

  Status IsPrivate(uint64_t links, bool* is_private) const override {
    uint64_t names = 0;
    for (const auto& [path, inode] : disk_->names) names += inode == inode_->id ? 1 : 0;
    *is_private = names == links;
    return Status();
  }

  void DropCache() override {
    if (process_ == disk_->process) disk_->DropCache(*inode_);
  }

  Status Map(std::unique_ptr<Mapping>* mapping) override {
    Fault fault;
    if (!is_writable_) return SystemError(EACCES, "map", inode_->path);
    PINNACLE_RETURN_IF_ERROR(Begin(CallKind::kMap, "map", 0, 0, &fault));
    if (fault.system_error != 0) return SystemError(fault.system_error, "map", inode_->path);
    if (inode_->buffer->size() == 0) {
      return Status(Code::kInvalidArgument,
                    "cannot map the empty file '" + inode_->path + "': preallocate it first");
    }
    if (!inode_->IsMapped()) inode_->buffer->Fit();
    *mapping = std::make_unique<SimulatedMapping>(disk_, inode_);
    return Status();
  }

 private:
  Status Begin(CallKind kind, const char* action, uint64_t offset, uint64_t length,
               Fault* fault) const {
    if (process_ != disk_->process) return RefuseDead(inode_->path);
    if (offset > kMaxOffset || length > kMaxOffset - offset) {
      return Status(Code::kInvalidArgument, std::string("cannot ") + action + " '" + inode_->path +
                                                "' beyond what a file can hold (2^63-1 bytes)");
    }
    *fault = disk_->Begin(kind, inode_->path, offset, length);
    return Status();
  }

  Status CheckWritable(const char* action) const {
    return is_writable_ ? Status() : SystemError(EBADF, action, inode_->path);
  }

  std::shared_ptr<SimulatedDisk> disk_;
  std::shared_ptr<Inode> inode_;
  bool is_writable_;
  bool has_lock_ = false;
  uint64_t process_;
};

}  // namespace

std::unique_ptr<File> OpenSimulatedFile(std::shared_ptr<SimulatedDisk> disk,
                                        std::shared_ptr<Inode> inode, bool is_writable) {
  return std::make_unique<SimulatedFile>(std::move(disk), std::move(inode), is_writable);
}

}  // namespace pinnacle
