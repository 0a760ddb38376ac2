// Files as vectors, for fuzzers: no fault, no durability, no mapping; simulator/ has those.
#ifndef PINNACLE_FUZZ_MEMORY_FILE_SYSTEM_H_
#define PINNACLE_FUZZ_MEMORY_FILE_SYSTEM_H_

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "platform/file_system.h"

namespace pinnacle {

class MemoryFileSystem final : public FileSystem {
 public:
  using Bytes = std::vector<uint8_t>;
  using Files = std::map<std::string, std::shared_ptr<Bytes>>;

  // Content by path, for a test to examine and damage.
  Bytes& At(const std::string& path) {
    std::shared_ptr<Bytes>& bytes = files_[path];
    if (!bytes) bytes = std::make_shared<Bytes>();
    return *bytes;
  }

  Status Open(const std::string& path, OpenMode mode, std::unique_ptr<File>* file) override {
    const bool there = files_.contains(path);
    if (mode == OpenMode::kCreate && there) return Status(Code::kAlreadyExists, path);
    if (mode != OpenMode::kCreate && !there) return Status(Code::kNotFound, path);
    At(path);
    *file = std::make_unique<MemoryFile>(files_[path]);
    return Status();
  }
  Status List(const std::string& directory, std::vector<std::string>* names) override {
    names->clear();
    for (const auto& [path, bytes] : files_) {
      if (path.starts_with(directory + "/") &&
          path.find('/', directory.size() + 1) == std::string::npos) {
        names->push_back(path.substr(directory.size() + 1));
      }
    }
    return Status();
  }
  Status CreateDirectory(const std::string&) override { return Status(); }
  Status Exists(const std::string& path, bool* exists) override {
    const auto first = files_.lower_bound(path);
    *exists =
        first != files_.end() && (first->first == path || first->first.starts_with(path + "/"));
    return Status();
  }
  Status Rename(const std::string& from, const std::string& to) override {
    const auto source = files_.find(from);
    if (source == files_.end()) return Status(Code::kNotFound, from);
    files_[to] = source->second;
    files_.erase(from);
    return Status();
  }
  Status Remove(const std::string& path) override {
    return files_.erase(path) == 1 ? Status() : Status(Code::kNotFound, path);
  }
  Status SyncDirectory(const std::string&) override { return Status(); }
  Status Identify(const std::string& path, FileIdentity* identity) override {
    const auto found = files_.find(path);
    if (found == files_.end()) return Status(Code::kNotFound, path);
    *identity = {0, reinterpret_cast<uintptr_t>(found->second.get())};
    return Status();
  }
  Status Lock(const std::string& path, std::unique_ptr<DirectoryLock>* lock) override {
    lock->reset();
    return Status(Code::kInvalidOperation, "no locks in memory: " + path);
  }
  Status IsLocked(const std::string&, bool* is_locked) override {
    *is_locked = false;
    return Status();
  }

 private:
  class MemoryFile final : public File {
   public:
    explicit MemoryFile(std::shared_ptr<Bytes> bytes) : bytes_(std::move(bytes)) {}
    Status Read(uint64_t offset, std::span<uint8_t> out, size_t* bytes_read) const override {
      *bytes_read =
          offset >= bytes_->size() ? 0 : std::min<uint64_t>(out.size(), bytes_->size() - offset);
      if (*bytes_read > 0) std::memcpy(out.data(), bytes_->data() + offset, *bytes_read);
      return Status();
    }
    Status Write(uint64_t offset, std::span<const uint8_t> bytes) override {
      if (bytes.empty()) return Status();
      bytes_->resize(std::max<uint64_t>(bytes_->size(), offset + bytes.size()));
      std::memcpy(bytes_->data() + offset, bytes.data(), bytes.size());
      return Status();
    }
    Status Sync() override { return Status(); }
    Status Size(uint64_t* bytes) const override {
      *bytes = bytes_->size();
      return Status();
    }
    Status Identity(FileIdentity* identity) const override {
      *identity = {0, reinterpret_cast<uintptr_t>(bytes_.get())};
      return Status();
    }
    Status Truncate(uint64_t bytes) override {
      bytes_->resize(bytes);
      return Status();
    }
    Status Preallocate(uint64_t) override { return Status(); }
    Status ZeroBlocks(uint64_t, uint64_t, bool* done) override {
      *done = false;
      return Status();
    }
    void DropCache() override {}
    Status Map(std::unique_ptr<Mapping>* mapping) override {
      mapping->reset();
      return Status(Code::kInvalidOperation, "no mappings in memory");
    }

   private:
    std::shared_ptr<Bytes> bytes_;
  };

  Files files_;
};

}  // namespace pinnacle

#endif  // PINNACLE_FUZZ_MEMORY_FILE_SYSTEM_H_
