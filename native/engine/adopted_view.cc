// The files as they will be once a window's entries are written to them.
#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "engine/adoption.h"
#include "platform/read_fully.h"

namespace pinnacle {

namespace {

// A file whose bytes are overlaid by the pieces to write to it.
class OverlaidFile final : public File {
 public:
  OverlaidFile(std::unique_ptr<File> file, std::vector<const AdoptionPiece*> pieces)
      : file_(std::move(file)), pieces_(std::move(pieces)) {}

  Status Read(uint64_t offset, std::span<uint8_t> out, size_t* bytes_read) const override {
    PINNACLE_RETURN_IF_ERROR(ReadFully(*file_, offset, out, bytes_read));
    for (const AdoptionPiece* piece : pieces_) {
      const uint64_t begin = std::max(offset, piece->offset);
      const uint64_t end = std::min(offset + out.size(), piece->offset + piece->bytes.size());
      if (begin >= end) continue;
      std::memcpy(out.data() + (begin - offset), piece->bytes.data() + (begin - piece->offset),
                  end - begin);
      *bytes_read = std::max<size_t>(*bytes_read, end - offset);
    }
    return Status();
  }
  Status Size(uint64_t* bytes) const override { return file_->Size(bytes); }
  Status Identity(FileIdentity* identity) const override { return file_->Identity(identity); }
  void ExpectSequentialReads() override { file_->ExpectSequentialReads(); }
  void DropCache() override {}
  Status Write(uint64_t, std::span<const uint8_t>) override { return Refuse(); }
  Status Sync() override { return Refuse(); }
  Status Truncate(uint64_t) override { return Refuse(); }
  Status Preallocate(uint64_t) override { return Refuse(); }
  Status ZeroBlocks(uint64_t, uint64_t, bool*) override { return Refuse(); }
  Status Map(std::unique_ptr<Mapping>*) override { return Refuse(); }

 private:
  static Status Refuse() {
    return Status(Code::kInvalidOperation, "cannot change a file that is only looked at");
  }

  const std::unique_ptr<File> file_;
  const std::vector<const AdoptionPiece*> pieces_;
};

}  // namespace

Status AdoptedView::Open(const std::string& path, OpenMode mode, std::unique_ptr<File>* file) {
  if (mode != OpenMode::kRead) return Refuse("change", path);
  std::unique_ptr<File> opened;
  PINNACLE_RETURN_IF_ERROR(base_->Open(path, mode, &opened));
  std::vector<const AdoptionPiece*> pieces;
  for (const AdoptionPiece& piece : adoption_->pieces) {
    if (piece.path == path) pieces.push_back(&piece);
  }
  if (pieces.empty()) {
    *file = std::move(opened);
  } else {
    *file = std::make_unique<OverlaidFile>(std::move(opened), std::move(pieces));
  }
  return Status();
}

}  // namespace pinnacle
