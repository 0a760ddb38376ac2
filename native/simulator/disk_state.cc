#include "simulator/disk_state.h"

#include <algorithm>
#include <set>

#include "platform/path_parts.h"

namespace pinnacle {
namespace {

using Unsynced = PowerCutOptions::Unsynced;

bool Survives(DeterministicRandom& random, Unsynced unsynced) {
  if (unsynced == Unsynced::kRandom) return random.Chance(0.5);
  return unsynced == Unsynced::kEverything;
}

void CopyRange(const Page& from, uint64_t begin, uint64_t end, Page* to) {
  std::copy(from.begin() + static_cast<ptrdiff_t>(begin),
            from.begin() + static_cast<ptrdiff_t>(end),
            to->begin() + static_cast<ptrdiff_t>(begin));
}

// Any subset of the sectors of `after` over `before`.
PageRef MixSectors(const PageRef& before, const PageRef& after, DeterministicRandom& random) {
  auto mixed = std::make_shared<Page>(PageContent(before));
  const uint64_t survivors = random.Next();
  for (uint64_t sector = 0; sector < kSectorsPerPage; ++sector) {
    if ((survivors >> sector) & 1) {
      const uint64_t start = sector * kSectorBytes;
      CopyRange(PageContent(after), start, start + kSectorBytes, mixed.get());
    }
  }
  return mixed;
}

PageRef CutDirtyPage(const PageRef& before, const PageRef& after, DeterministicRandom& random,
                     Unsynced unsynced) {
  if (unsynced == Unsynced::kNothing) return before;
  if (unsynced == Unsynced::kEverything) return after;
  switch (random.Below(3)) {
    case 0:
      return before;
    case 1:
      return after;
    default:
      return MixSectors(before, after, random);
  }
}

// Tears a changed sector in one of the dirty pages: new bytes up to a random one, then old ones.
void TearSector(const FileState& file, const std::vector<uint64_t>& dirty,
                DeterministicRandom& random, FileImage* disk) {
  const uint64_t page = dirty[random.Below(dirty.size())];
  const Page& before = PageContent(file.durable.page(page));
  const Page& after = PageContent(file.current.page(page));
  std::vector<uint64_t> changed;
  for (uint64_t start = 0; start < kPageBytes; start += kSectorBytes) {
    if (!std::equal(before.begin() + static_cast<ptrdiff_t>(start),
                    before.begin() + static_cast<ptrdiff_t>(start + kSectorBytes),
                    after.begin() + static_cast<ptrdiff_t>(start))) {
      changed.push_back(start);
    }
  }
  if (changed.empty()) return;
  const uint64_t start = changed[random.Below(changed.size())];
  const uint64_t tear = start + 1 + random.Below(kSectorBytes - 1);
  auto torn = std::make_shared<Page>(PageContent(disk->page(page)));
  CopyRange(after, start, tear, torn.get());
  CopyRange(before, tear, start + kSectorBytes, torn.get());
  disk->SetPage(page, std::move(torn));
}

FileImage CutFile(const FileState& file, DeterministicRandom& random,
                  const PowerCutOptions& options) {
  const bool new_size = file.IsSizeDirty() && Survives(random, options.unsynced);
  const uint64_t size = new_size ? file.current.size() : file.durable.size();
  FileImage disk = file.durable;
  disk.Resize(size);
  std::vector<uint64_t> dirty;
  for (uint64_t page = 0; page < std::min(disk.page_count(), file.current.page_count()); ++page) {
    if (!file.IsDirty(page)) continue;
    dirty.push_back(page);
    disk.SetPage(page, CutDirtyPage(file.durable.page(page), file.current.page(page), random,
                                    options.unsynced));
  }
  if (!dirty.empty() && random.Chance(options.torn_sector_probability)) {
    TearSector(file, dirty, random, &disk);
  }
  disk.ClearTail();  // a surviving page may have bytes beyond a lost size
  return disk;
}

// Gives the files in directory `from` their names in `to`.
void MoveBelow(const std::string& from, const std::string& to, NameTable* names) {
  const std::string prefix = from + "/";
  for (auto it = names->lower_bound(prefix); it != names->end() && it->first.starts_with(prefix);) {
    const auto node = names->extract(it++);
    (*names)[to + "/" + node.key().substr(prefix.size())] = node.mapped();
  }
}

}  // namespace

void NameChange::ApplyTo(NameTable* names) const {
  switch (kind) {
    case Kind::kLink:
      (*names)[path] = inode;
      break;
    case Kind::kUnlink:
      names->erase(path);
      break;
    case Kind::kRename:
      names->erase(path);
      (*names)[target] = inode;
      if (inode == kDirectoryInode) MoveBelow(path, target, names);
      break;
  }
}

bool IsInMemory(const std::string& path) {
  return path == kMemoryDirectory || path.starts_with(std::string(kMemoryDirectory) + "/");
}

std::vector<bool> ChooseSurvivors(const std::vector<NameChange>& pending,
                                  const std::function<bool(const NameChange&)>& wants) {
  std::vector<bool> survivors;
  std::set<std::string> lost;
  for (const NameChange& change : pending) {
    const bool possible = !lost.contains(change.path) && !lost.contains(change.target);
    const bool survives = possible && wants(change);
    survivors.push_back(survives);
    if (survives) continue;
    lost.insert(change.path);
    if (change.kind == NameChange::Kind::kRename) lost.insert(change.target);
  }
  return survivors;
}

DiskImage DiskState::CutPower(DeterministicRandom& random, const PowerCutOptions& options) const {
  const std::vector<bool> survivors = ChooseSurvivors(
      pending, [&](const NameChange&) { return Survives(random, options.unsynced); });
  NameTable found = durable_names;
  for (size_t i = 0; i < pending.size(); ++i) {
    if (survivors[i]) pending[i].ApplyTo(&found);
  }
  DiskImage disk;
  // Sorted by path, so a directory comes before its content. The content of a lost directory is
  // lost.
  for (const auto& [path, inode] : found) {
    if (IsInMemory(path)) continue;
    const std::string parent = ParentOf(path);
    if (parent != "/" && !disk.directories.contains(parent)) continue;
    if (inode == kDirectoryInode) {
      disk.directories.insert(path);
    } else {
      disk.files[path] = CutFile(files.at(inode), random, options);
    }
  }
  return disk;
}

}  // namespace pinnacle
