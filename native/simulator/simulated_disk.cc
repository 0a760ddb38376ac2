#include "simulator/simulated_disk.h"

#include <algorithm>
#include <cerrno>

#include "base/check.h"
#include "platform/path_parts.h"
#include "platform/posix_error.h"

namespace pinnacle {
namespace {

bool IsRecorded(CallKind kind) {
  return kind != CallKind::kRead && kind != CallKind::kSize && kind != CallKind::kList &&
         kind != CallKind::kExists;
}

// `page` with one sector taken from `from`.
PageRef WithSector(const PageRef& page, uint64_t sector, const PageRef& from,
                   uint64_t from_sector) {
  auto changed = std::make_shared<Page>(PageContent(page));
  const uint8_t* source = PageContent(from).data() + from_sector * kSectorBytes;
  std::copy(source, source + kSectorBytes, changed->data() + sector * kSectorBytes);
  return changed;
}

}  // namespace

std::string CleanPath(const std::string& path) {
  std::string clean = "/";
  for (char letter : path) {
    if (letter != '/' || clean.back() != '/') clean += letter;
  }
  if (clean.size() > 1 && clean.back() == '/') clean.pop_back();
  return clean;
}

SimulatedDisk::SimulatedDisk(uint64_t seed, const DiskImage& image) : random(seed) {
  for (const std::string& directory : image.directories) names[directory] = kDirectoryInode;
  for (const auto& [path, content] : image.files) {
    auto inode = std::make_shared<Inode>(Inode{.id = next_inode_++, .path = path, .state = {}});
    inode->state = {content, content, content, {}};
    const std::vector<uint8_t> bytes = content.Bytes();
    inode->buffer->Resize(bytes.size());
    std::copy(bytes.begin(), bytes.end(), inode->buffer->data());
    names[path] = inode->id;
    inodes[inode->id] = std::move(inode);
  }
  names[kMemoryDirectory] = kDirectoryInode;
  durable_names = names;
  for (uint8_t& byte : boot_id) byte = static_cast<uint8_t>(1 + random.Below(255));
}

Fault SimulatedDisk::Begin(CallKind kind, const std::string& path, uint64_t offset, uint64_t length,
                           uint64_t mark) {
  if (writeback_probability > 0 && random.Chance(writeback_probability)) BackgroundWriteback();
  if (is_recording && IsRecorded(kind)) {
    steps.push_back({kind, path, offset, length, mark, Capture()});
  }
  return faults.Next(kind, path, random);
}

Status SimulatedDisk::Resize(Inode& inode, uint64_t size, const char* action) {
  const uint64_t old_size = inode.buffer->size();
  if (size == old_size) return Status();
  if (inode.IsMapped()) {
    return Status(Code::kInvalidArgument, std::string("cannot ") + action + " '" + inode.path +
                                              "': the size of a mapped file must not change; "
                                              "release the mapping first");
  }
  uint64_t used = 0;
  for (const auto& [id, other] : inodes) {
    if (!IsInMemory(other->path)) used += other->buffer->size();
  }
  if (size > old_size && !IsInMemory(inode.path) &&
      (size > capacity_bytes || used - old_size > capacity_bytes - size)) {
    return SystemError(ENOSPC, action, inode.path);
  }
  inode.buffer->Resize(size);
  return Status();
}

void SimulatedDisk::WritePage(Inode& inode, uint64_t page) {
  inode.state.clean.SetPage(page, inode.state.current.page(page));
  inode.state.durable.SetPage(page, inode.state.current.page(page));
  inode.state.rewritten.erase(page);
}

Status SimulatedDisk::SyncPages(Inode& inode, uint64_t first, uint64_t end, const Fault& fault) {
  inode.Refresh();
  FileState& state = inode.state;
  if (fault.never_made) return SystemError(fault.system_error, "sync", inode.path);
  const bool fails = fault.system_error != 0;
  // The kernel marks the size clean in any case; the device learns it only on success.
  if (state.IsSizeDirty()) {
    state.clean.Resize(state.current.size());
    if (!fails) state.durable.Resize(state.current.size());
  }
  std::vector<uint64_t> dirty;
  for (uint64_t page = first; page < std::min(end, state.current.page_count()); ++page) {
    if (state.IsDirty(page)) dirty.push_back(page);
  }
  if (fails) {
    for (uint64_t page : dirty) {
      state.clean.SetPage(page, state.current.page(page));
      state.rewritten.erase(page);
    }
    return SystemError(fault.system_error, "sync", inode.path);
  }
  // A size lost by a failed sync reaches the device with the next pages that are written.
  if (!dirty.empty()) state.durable.Resize(state.current.size());
  if (!dirty.empty() && fault.device != Fault::Device::kFaithful) {
    LoseDuring(inode, dirty, fault.device);
  } else {
    for (uint64_t page : dirty) WritePage(inode, page);
  }
  return Status();
}

void SimulatedDisk::LoseDuring(Inode& inode, const std::vector<uint64_t>& dirty,
                               Fault::Device device) {
  const uint64_t victim = dirty[random.Below(dirty.size())];
  const PageRef before = inode.state.durable.page(victim);
  const PageRef after = inode.state.current.page(victim);
  for (uint64_t page : dirty) WritePage(inode, page);
  if (device == Fault::Device::kLosePage) {
    inode.state.durable.SetPage(victim, before);
    return;
  }
  std::vector<uint64_t> changed;
  for (uint64_t sector = 0; sector < kSectorsPerPage; ++sector) {
    const auto start = static_cast<ptrdiff_t>(sector * kSectorBytes);
    const Page& old_bytes = PageContent(before);
    const Page& new_bytes = PageContent(after);
    if (!std::equal(old_bytes.begin() + start,
                    old_bytes.begin() + start + static_cast<ptrdiff_t>(kSectorBytes),
                    new_bytes.begin() + start)) {
      changed.push_back(sector);
    }
  }
  if (changed.empty()) return;  // a failed sync left the device with these bytes
  const uint64_t sector = changed[random.Below(changed.size())];
  inode.state.durable.SetPage(victim, WithSector(after, sector, before, sector));
  if (device == Fault::Device::kMisdirectSector) Misdirect(inode, victim, sector);
}

// The sector is written to another place of the device that belongs to a file.
void SimulatedDisk::Misdirect(Inode& inode, uint64_t page, uint64_t sector) {
  std::vector<Inode*> files;
  for (const auto& [id, other] : inodes) {
    if (IsInMemory(other->path)) continue;
    if (other->state.durable.page_count() > 0) files.push_back(other.get());
  }
  const PageRef written = inode.state.current.page(page);
  for (;;) {
    Inode& target = *files[random.Below(files.size())];
    const uint64_t target_page = random.Below(target.state.durable.page_count());
    const uint64_t target_sector = random.Below(kSectorsPerPage);
    if (&target == &inode && target_page == page && target_sector == sector) continue;
    FileImage& durable = target.state.durable;
    durable.SetPage(target_page,
                    WithSector(durable.page(target_page), target_sector, written, sector));
    durable.ClearTail();
    return;
  }
}

// Rereads clean pages, so that the device's real content becomes visible.
void SimulatedDisk::DropCache(Inode& inode) {
  if (inode.IsMapped()) return;
  inode.Refresh();
  FileState& state = inode.state;
  if (!state.IsSizeDirty()) {
    inode.buffer->Resize(state.durable.size());
    state.clean.Resize(state.durable.size());
  }
  const uint64_t pages = std::min(state.clean.page_count(), state.durable.page_count());
  for (uint64_t page = 0; page < pages; ++page) {
    const uint64_t start = page * kPageBytes;
    if (state.IsDirty(page) || start >= inode.buffer->size()) continue;
    const Page& content = PageContent(state.durable.page(page));
    std::copy_n(content.begin(), std::min(kPageBytes, inode.buffer->size() - start),
                inode.buffer->data() + start);
    state.clean.SetPage(page, state.durable.page(page));
  }
}

std::shared_ptr<Inode> SimulatedDisk::Find(const std::string& path) const {
  const auto found = names.find(path);
  if (found == names.end() || found->second == kDirectoryInode) return nullptr;
  return inodes.at(found->second);
}

bool SimulatedDisk::IsDirectory(const std::string& path) const {
  const auto found = names.find(path);
  return path == "/" || (found != names.end() && found->second == kDirectoryInode);
}

bool SimulatedDisk::IsEmptyDirectory(const std::string& path) const {
  const auto next = names.lower_bound(path + "/");
  return IsDirectory(path) && (next == names.end() || !next->first.starts_with(path + "/"));
}

Status SimulatedDisk::RenameDirectory(const std::string& from, const std::string& to) {
  const std::string both = from + "' to '" + to;
  if (from == to) return Status();
  if (names.contains(to) && !IsDirectory(to)) return SystemError(ENOTDIR, "rename", both);
  if (names.contains(to) && !IsEmptyDirectory(to)) return SystemError(ENOTEMPTY, "rename", both);
  if (to.starts_with(from + "/")) return SystemError(EINVAL, "rename", both);
  PINNACLE_RETURN_IF_ERROR(CheckParent(to, "rename"));
  for (const NameChange& change : pending) {
    if (change.path.starts_with(from + "/") || change.target.starts_with(from + "/")) {
      return Status(Code::kInvalidOperation, "cannot rename '" + both + "': " + change.path +
                                                 " in it is not durable; sync what is in a "
                                                 "directory before it is renamed");
    }
  }
  Change({NameChange::Kind::kRename, from, to, kDirectoryInode});
  for (const auto& [name, id] : names) {
    if (name.starts_with(to + "/") && id != kDirectoryInode) inodes.at(id)->path = name;
  }
  return Status();
}

Status SimulatedDisk::CheckParent(const std::string& path, const char* action) const {
  const std::string parent = ParentOf(path);
  if (IsDirectory(parent)) return Status();
  return SystemError(names.contains(parent) ? ENOTDIR : ENOENT, action, path);
}

std::shared_ptr<Inode> SimulatedDisk::CreateFile(const std::string& path) {
  auto inode = std::make_shared<Inode>(Inode{.id = next_inode_++, .path = path, .state = {}});
  inodes[inode->id] = inode;
  Change({NameChange::Kind::kLink, path, {}, inode->id});
  return inode;
}

void SimulatedDisk::Change(NameChange change) {
  change.ApplyTo(&names);
  pending.push_back(std::move(change));
}

void SimulatedDisk::SyncNames(const std::string& directory) {
  // From the last to the first, since a change also takes the earlier ones of its names along.
  std::vector<bool> chosen(pending.size());
  std::set<std::string> needed;
  for (size_t i = pending.size(); i-- > 0;) {
    const NameChange& change = pending[i];
    const bool is_rename = change.kind == NameChange::Kind::kRename;
    chosen[i] = ParentOf(change.path) == directory ||
                (is_rename && ParentOf(change.target) == directory) ||
                needed.contains(change.path) || (is_rename && needed.contains(change.target));
    if (!chosen[i]) continue;
    needed.insert(change.path);
    if (is_rename) needed.insert(change.target);
  }
  MakeDurable(chosen);
}

void SimulatedDisk::MakeDurable(const std::vector<bool>& chosen) {
  std::vector<NameChange> left;
  for (size_t i = 0; i < pending.size(); ++i) {
    if (chosen[i]) {
      pending[i].ApplyTo(&durable_names);
    } else {
      left.push_back(std::move(pending[i]));
    }
  }
  pending = std::move(left);
  ForgetUnreachable();
}

void SimulatedDisk::ForgetUnreachable() {
  std::set<uint64_t> reachable;
  for (const auto& [path, inode] : names) reachable.insert(inode);
  for (const auto& [path, inode] : durable_names) reachable.insert(inode);
  for (const NameChange& change : pending) reachable.insert(change.inode);
  std::erase_if(inodes, [&](const auto& entry) {
    return !reachable.contains(entry.first) && entry.second.use_count() == 1;
  });
}

void SimulatedDisk::BackgroundWriteback() {
  for (const auto& [id, inode] : inodes) {
    inode->Refresh();
    FileState& state = inode->state;
    if (state.IsSizeDirty() && random.Chance(0.5)) {
      state.clean.Resize(state.current.size());
      state.durable.Resize(state.current.size());
    }
    const uint64_t pages = std::min(
        {state.current.page_count(), state.clean.page_count(), state.durable.page_count()});
    for (uint64_t page = 0; page < pages; ++page) {
      if (state.IsDirty(page) && random.Chance(0.5)) WritePage(*inode, page);
    }
    // Bytes beyond a size that is not durable yet are not durable either.
    state.clean.ClearTail();
    state.durable.ClearTail();
  }
  MakeDurable(ChooseSurvivors(pending, [&](const NameChange&) { return random.Chance(0.5); }));
}

void SimulatedDisk::ProcessKill() {
  ++process;
  locked_paths.clear();
  locked_files.clear();
  for (const auto& [id, inode] : inodes) {
    if (!inode->IsMapped()) continue;
    auto copy = std::make_shared<PageBuffer>();
    copy->Resize(inode->buffer->size());
    std::copy_n(inode->buffer->data(), inode->buffer->size(), copy->data());
    inode->buffer = std::move(copy);
  }
}

DiskState SimulatedDisk::Capture() {
  DiskState state{names, durable_names, pending, {}};
  for (const auto& [id, inode] : inodes) {
    inode->Refresh();
    state.files[id] = inode->state;
  }
  return state;
}

}  // namespace pinnacle
