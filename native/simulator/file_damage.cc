#include "simulator/file_damage.h"

#include <algorithm>

#include "platform/path_parts.h"
#include "simulator/disk_reading.h"
#include "simulator/disk_state.h"

namespace pinnacle::simulation {
namespace {

using Paths = std::vector<std::string>;

bool IsSegment(const std::string& path) { return NumberOf(path, kJournalPrefix, ".segment") != 0; }

bool IsSnapshot(const std::string& path) {
  return NumberOf(path, kSnapshotPrefix, ".snapshot") != 0;
}

bool Counts(const std::string& path) {
  return path == kHeadPath || IsSegment(path) || IsSnapshot(path);
}

Paths PathsOf(const DiskImage& image, bool (*wanted)(const std::string&)) {
  Paths paths;
  for (const auto& [path, content] : image.files) {
    if (wanted(path)) paths.push_back(path);
  }
  return paths;
}

class Damager {
 public:
  Damager(DeterministicRandom& random, DiskImage* image)
      : random_(random),
        image_(image),
        segments_(PathsOf(*image, IsSegment)),
        snapshots_(PathsOf(*image, IsSnapshot)) {}

  std::string Remove() {
    Paths gone;
    switch (random_.Below(8)) {
      case 0:
        gone = {kHeadPath};
        break;
      case 1:
        gone = Some(segments_, 1);
        break;
      case 2:
        gone = Some(segments_, 1 + random_.Below(3));
        break;
      case 3:
        gone = segments_;
        break;
      case 4:
        gone = Some(snapshots_, 1);
        break;
      case 5:
        gone = snapshots_;
        break;
      case 6:
        gone = PathsOf(*image_, Counts);
        if (random_.Chance(0.5)) gone = Some(gone, gone.size() - 1);
        break;
      default:
        gone = Some(segments_, 1 + random_.Below(2));
        gone.push_back(kHeadPath);
        if (random_.Chance(0.5)) gone.insert(gone.end(), snapshots_.begin(), snapshots_.end());
        break;
    }
    std::string what;
    for (const std::string& path : gone) {
      if (image_->files.erase(path) != 0) what.append(" ").append(BaseName(path));
    }
    return what.empty() ? "" : "removed:" + what;
  }

  // Copies or renames a file to another number.
  std::string Renumber(bool keep) {
    const bool snapshot = random_.Chance(0.3) && !snapshots_.empty();
    const Paths& all = snapshot ? snapshots_ : segments_;
    if (all.empty()) return "";
    const std::string from = all[random_.Below(all.size())];
    const uint64_t number = snapshot ? NumberOf(from, kSnapshotPrefix, ".snapshot")
                                     : NumberOf(from, kJournalPrefix, ".segment");
    uint64_t other = number;
    switch (random_.Below(4)) {
      case 0:
        other = number + 1 + random_.Below(2);
        break;
      case 1:
        other = number - std::min<uint64_t>(number, 1 + random_.Below(2));
        break;
      case 2: {
        const std::string& last = all.back();
        other = 1 + (snapshot ? NumberOf(last, kSnapshotPrefix, ".snapshot")
                              : NumberOf(last, kJournalPrefix, ".segment"));
        break;
      }
      default:
        other = 1 + random_.Below(number + 4);
        break;
    }
    if (other == 0 || other == number) return "";
    const std::string to = snapshot ? SnapshotPath(other) : SegmentPath(other);
    const bool over = image_->files.contains(to);
    image_->files[to] = image_->files[from];
    if (!keep) image_->files.erase(from);
    return (keep ? "copied " : "renamed ") + BaseName(from) + " to " + BaseName(to) +
           (over ? ", which was there" : "");
  }

  std::string ChangeLength(bool longer) {
    const Paths all = PathsOf(*image_, Counts);
    if (all.empty()) return "";
    const std::string path = all[random_.Below(all.size())];
    FileImage& file = image_->files[path];
    const uint64_t before = file.size();
    if (!longer) {
      uint64_t size = random_.Below(before + 1);
      if (random_.Chance(0.3)) size = size / kPageBytes * kPageBytes;
      if (random_.Chance(0.2)) size = std::min<uint64_t>(before, random_.Below(6000));
      if (random_.Chance(0.1)) size = 0;
      file.Resize(size);
    } else {
      std::vector<uint8_t> bytes = file.Bytes();
      bytes.resize(before + 1 + random_.Below(random_.Chance(0.5) ? 100 : 3 * kPageBytes));
      if (random_.Chance(0.6)) {
        for (uint64_t i = before; i < bytes.size(); ++i) {
          bytes[i] = static_cast<uint8_t>(random_.Next());
        }
      }
      file.Assign(bytes);
    }
    return BaseName(path) + " has " + std::to_string(file.size()) + " bytes instead of " +
           std::to_string(before);
  }

  // Puts files of another directory over the existing ones or next to them.
  std::string TakeFrom(const DiskImage& other, const std::string& of) {
    const Paths theirs = PathsOf(other, Counts);
    if (theirs.empty()) return "";
    Paths taken;
    const uint64_t choice = random_.Below(10);
    if (choice == 0) {
      for (const std::string& path : PathsOf(*image_, Counts)) image_->files.erase(path);
      taken = theirs;
    } else if (choice < 3) {
      // All segments from one on, with or without the head record.
      const Paths segments = PathsOf(other, IsSegment);
      if (segments.empty()) return "";
      const size_t from = random_.Below(segments.size());
      taken.assign(segments.begin() + static_cast<ptrdiff_t>(from), segments.end());
      if (random_.Chance(0.5)) taken.push_back(kHeadPath);
    } else if (choice < 5) {
      taken = Some(PathsOf(other, IsSnapshot), 1 + random_.Below(2));
    } else if (choice < 6) {
      taken = {kHeadPath};
    } else {
      taken = Some(PathsOf(other, IsSegment), 1 + (choice < 8 ? 0 : random_.Below(3)));
    }
    std::string what;
    for (const std::string& path : taken) {
      const auto found = other.files.find(path);
      if (found == other.files.end()) continue;
      image_->directories.insert(ParentOf(path));
      const auto [here, added] = image_->files.try_emplace(path, found->second);
      if (!added && here->second == found->second) continue;
      here->second = found->second;
      what.append(" ").append(BaseName(path));
    }
    return what.empty() ? "" : of + ":" + what;
  }

 private:
  Paths Some(Paths all, uint64_t count) {
    Paths some;
    for (; count > 0 && !all.empty(); --count) {
      const auto chosen = all.begin() + static_cast<ptrdiff_t>(random_.Below(all.size()));
      some.push_back(*chosen);
      all.erase(chosen);
    }
    return some;
  }

  DeterministicRandom& random_;
  DiskImage* const image_;
  const Paths segments_;
  const Paths snapshots_;
};

}  // namespace

const char* FileDamageName(FileDamage damage) {
  switch (damage) {
    case FileDamage::kMissing:
      return "missing";
    case FileDamage::kDuplicated:
      return "duplicated";
    case FileDamage::kForeign:
      return "foreign";
    case FileDamage::kForked:
      return "forked";
    case FileDamage::kRenamed:
      return "renamed";
    case FileDamage::kShortened:
      return "shortened";
    case FileDamage::kLengthened:
      return "lengthened";
    case FileDamage::kOlder:
      return "older";
  }
  return "?";
}

std::string DamageFiles(FileDamage damage, const FileSources& sources, DeterministicRandom& random,
                        DiskImage* image) {
  Damager damager(random, image);
  switch (damage) {
    case FileDamage::kMissing:
      return damager.Remove();
    case FileDamage::kDuplicated:
      return damager.Renumber(true);
    case FileDamage::kForeign:
      return damager.TakeFrom(sources.foreign, "of another journal");
    case FileDamage::kForked:
      return damager.TakeFrom(sources.fork, "of a fork");
    case FileDamage::kRenamed:
      return damager.Renumber(false);
    case FileDamage::kShortened:
      return damager.ChangeLength(false);
    case FileDamage::kLengthened:
      return damager.ChangeLength(true);
    case FileDamage::kOlder:
      if (sources.older.empty()) return "";
      return damager.TakeFrom(sources.older[random.Below(sources.older.size())],
                              "as of an earlier moment");
  }
  return "";
}

}  // namespace pinnacle::simulation
