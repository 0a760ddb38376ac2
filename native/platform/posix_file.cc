#include "platform/posix_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "platform/posix_error.h"
#include "platform/posix_identity.h"
#include "platform/posix_mapping.h"
#include "platform/system_calls.h"
#include "platform/unique_descriptor.h"

namespace pinnacle {
namespace {

static_assert(sizeof(off_t) == 8, "segments may be larger than 2 GiB");

constexpr size_t kMaxTransferBytes = size_t{1} << 30;  // macOS refuses more than INT_MAX at once
constexpr uint64_t kMaxOffset = std::numeric_limits<int64_t>::max();

class PosixFile final : public File {
 public:
  PosixFile(UniqueDescriptor descriptor, std::string path)
      : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

  Status Read(uint64_t offset, std::span<uint8_t> out, size_t* bytes_read) const override {
    *bytes_read = 0;
    PINNACLE_RETURN_IF_ERROR(CheckRange(offset, out.size()));
    while (*bytes_read < out.size()) {
      const size_t length = std::min(out.size() - *bytes_read, kMaxTransferBytes);
      const ssize_t got = pread(descriptor_.get(), out.data() + *bytes_read, length,
                                static_cast<off_t>(offset + *bytes_read));
      if (got == 0) break;  // the end of the file
      if (got > 0) {
        *bytes_read += static_cast<size_t>(got);
      } else if (errno != EINTR) {
        return SystemError(errno, "read", path_);
      }
    }
    return Status();
  }

  Status Write(uint64_t offset, std::span<const uint8_t> bytes) override {
    PINNACLE_RETURN_IF_ERROR(CheckRange(offset, bytes.size()));
    size_t written = 0;
    while (written < bytes.size()) {
      const size_t length = std::min(bytes.size() - written, kMaxTransferBytes);
      const ssize_t put = pwrite(descriptor_.get(), bytes.data() + written, length,
                                 static_cast<off_t>(offset + written));
      if (put == 0) return SystemError(EIO, "write", path_);
      if (put > 0) {
        written += static_cast<size_t>(put);
      } else if (errno != EINTR) {
        return SystemError(errno, "write", path_);
      }
    }
    return Status();
  }

  Status WritePadded(uint64_t offset, std::span<const uint8_t> bytes, uint64_t zeros) override {
    static constexpr uint8_t kZeros[kPageBytes] = {};
    PINNACLE_RETURN_IF_ERROR(CheckRange(offset, bytes.size() + zeros));
    const uint64_t total = bytes.size() + zeros;
    for (uint64_t written = 0; written < total;) {
      const uint64_t skipped = std::min<uint64_t>(written, bytes.size());
      const uint64_t zeros_skipped = written - skipped;
      const ssize_t put = system_calls::WritePieces(
          descriptor_.get(), offset + written, bytes.data() + skipped,
          std::min<uint64_t>(bytes.size() - skipped, kMaxTransferBytes), kZeros,
          bytes.size() - skipped > kMaxTransferBytes ? 0 : zeros - zeros_skipped);
      if (put > 0) {
        written += static_cast<uint64_t>(put);
      } else {
        return SystemError(put == 0 ? EIO : static_cast<int>(-put), "write", path_);
      }
    }
    return Status();
  }

  Status Sync() override {
    const int error = system_calls::SyncFile(descriptor_.get());
    return error == 0 ? Status() : SystemError(error, "sync", path_);
  }

  Status Size(uint64_t* bytes) const override {
    struct stat information;
    const int error = system_calls::Examine(descriptor_.get(), &information);
    if (error != 0) return SystemError(error, "read the size of", path_);
    *bytes = static_cast<uint64_t>(information.st_size);
    return Status();
  }

  Status Identity(FileIdentity* identity) const override {
    struct stat information;
    const int error = system_calls::Examine(descriptor_.get(), &information);
    if (error != 0) return SystemError(error, "examine", path_);
    *identity = IdentityOf(information);
    return Status();
  }

  Status Truncate(uint64_t bytes) override {
    PINNACLE_RETURN_IF_ERROR(CheckRange(0, bytes));
    while (ftruncate(descriptor_.get(), static_cast<off_t>(bytes)) != 0) {
      if (errno != EINTR) return SystemError(errno, "change the size of", path_);
    }
    return Status();
  }

  Status Preallocate(uint64_t bytes) override {
    PINNACLE_RETURN_IF_ERROR(CheckRange(0, bytes));
    uint64_t size = 0;
    PINNACLE_RETURN_IF_ERROR(Size(&size));
    const int error = system_calls::ReserveBlocks(descriptor_.get(), size, bytes);
    if (error == ENOTSUP) return ReserveByWriting(size, bytes);
    return error == 0 ? Status() : SystemError(error, "reserve space for", path_);
  }

  Status ZeroBlocks(uint64_t begin, uint64_t end, bool* done) override {
    *done = false;
    if (begin > end || begin % kPageBytes != 0 || end % kPageBytes != 0) {
      return Status(Code::kInvalidArgument, "cannot zero bytes " + std::to_string(begin) + " to " +
                                                std::to_string(end) + " of '" + path_ +
                                                "' as blocks: give bounds of whole pages");
    }
    PINNACLE_RETURN_IF_ERROR(CheckRange(begin, end - begin));
    if (begin == end) {
      *done = true;
      return Status();
    }
    const int error = system_calls::ZeroBlocks(descriptor_.get(), begin, end - begin);
    if (error == ENOTSUP) return Status();
    *done = error == 0;
    return error == 0 ? Status() : SystemError(error, "zero blocks of", path_);
  }

  void DropCache() override { system_calls::DropCachedPages(descriptor_.get()); }
  void ExpectSequentialReads() override { system_calls::AdviseSequentialReads(descriptor_.get()); }
  Status BeginWriteback(uint64_t begin, uint64_t end) override {
    const int error = system_calls::BeginWriteback(descriptor_.get(), begin, end);
    return error == 0 ? Status() : SystemError(error, "begin to sync", path_);
  }

  Status TryLock(bool* locked) override {
    int result;
    do {
      result = flock(descriptor_.get(), LOCK_EX | LOCK_NB);
    } while (result != 0 && errno == EINTR);
    *locked = result == 0;
    return result == 0 || errno == EWOULDBLOCK ? Status() : SystemError(errno, "lock", path_);
  }

  Status IsPrivate(uint64_t links, bool* is_private) const override {
    struct stat information;
    const int error = system_calls::Examine(descriptor_.get(), &information);
    if (error != 0) return SystemError(error, "examine", path_);
    *is_private = information.st_uid == geteuid() && (information.st_mode & 077) == 0 &&
                  static_cast<uint64_t>(information.st_nlink) == links;
    return Status();
  }

  Status Map(std::unique_ptr<Mapping>* mapping) override {
    return MapWholeFile(descriptor_.get(), path_, mapping);
  }

 private:
  Status CheckRange(uint64_t offset, uint64_t length) const {
    if (offset <= kMaxOffset && length <= kMaxOffset - offset) return Status();
    return Status(Code::kInvalidArgument, "offset " + std::to_string(offset) + " and length " +
                                              std::to_string(length) + " in '" + path_ +
                                              "' are beyond what a file can hold (2^63-1 bytes)");
  }

  // For file systems without an allocation call: rewrites the existing content in place (it may
  // have holes) and zeros after it, in single pages so that the page cache makes small folios.
  Status ReserveByWriting(uint64_t size, uint64_t bytes) {
    uint8_t page[kPageBytes];
    for (uint64_t offset = 0; offset < bytes; offset += kPageBytes) {
      std::fill(std::begin(page), std::end(page), uint8_t{0});
      size_t length = std::min<uint64_t>(kPageBytes, bytes - offset);
      if (offset < size) {
        length = std::min<uint64_t>(kPageBytes, std::max(bytes, size) - offset);
        size_t got = 0;
        PINNACLE_RETURN_IF_ERROR(Read(offset, {page, length}, &got));
      }
      PINNACLE_RETURN_IF_ERROR(Write(offset, {page, length}));
    }
    return Status();
  }

  UniqueDescriptor descriptor_;
  std::string path_;
};

int OpenFlags(OpenMode mode) {
  // O_NONBLOCK: opening a pipe of that name must not wait for its other end. It has no effect on a
  // regular file.
  constexpr int kAlways = O_CLOEXEC | O_NONBLOCK;
  switch (mode) {
    case OpenMode::kRead:
      return O_RDONLY | kAlways;
    case OpenMode::kReadWrite:
      return O_RDWR | kAlways;
    case OpenMode::kNoLink:
      return O_RDWR | O_NOFOLLOW | kAlways;
    case OpenMode::kCreate:
      break;
  }
  return O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | kAlways;
}

}  // namespace

Status OpenPosixFile(const std::string& path, OpenMode mode, std::unique_ptr<File>* file) {
  const char* action = mode == OpenMode::kCreate ? "create" : "open";
  int opened;
  do {
    opened = open(path.c_str(), OpenFlags(mode), 0600);
  } while (opened < 0 && errno == EINTR);
  if (opened < 0 && errno != EISDIR) return SystemError(errno, action, path);
  UniqueDescriptor descriptor(opened);
  struct stat information = {};
  if (descriptor.valid()) {
    const int error = system_calls::Examine(descriptor.get(), &information);
    if (error != 0) return SystemError(error, action, path);
  }
  if (!S_ISREG(information.st_mode)) {
    return Status(Code::kNotOurFile, std::string("cannot ") + action + " '" + path +
                                         "': it is not a regular file; check the path");
  }
  *file = std::make_unique<PosixFile>(std::move(descriptor), path);
  return Status();
}

}  // namespace pinnacle
