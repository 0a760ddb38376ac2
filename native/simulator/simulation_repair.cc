// The result of each policy on a damaged disk: it refuses without changing a byte, or keeps what
// the rules demand and reports it; and the journal continues.
#include <algorithm>
#include <set>

#include "simulator/journal_following.h"
#include "simulator/repair_outcome.h"
#include "simulator/repair_rules.h"
#include "simulator/simulation_run.h"
#include "snapshot/snapshot_reader.h"

namespace pinnacle::simulation {
namespace {

// A repaired journal, entry by entry.
struct RepairedJournal {
  std::string problem;
  std::vector<RunEntry> entries;  // including holes
  std::vector<Hole> holes;        // with a loss
  uint64_t entries_after_damage = 0;
};

RepairedJournal ReadRepaired(const DiskReading& reading) {
  RepairedJournal journal;
  uint64_t next = 0;
  bool damaged = false;
  for (size_t i = 0; i < reading.segments.size(); ++i) {
    const DiskSegment& segment = reading.segments[i];
    uint64_t offset = 4096;
    for (const DiskEntry& entry : segment.entries) {
      if (entry.offset != offset || (next != 0 && entry.first_sequence != next)) {
        journal.problem = "entry " + std::to_string(entry.sequence) + " at offset " +
                          std::to_string(entry.offset) + " of " + segment.path +
                          " does not continue entry " + std::to_string(next - 1);
        return journal;
      }
      journal.entries.push_back({i, entry});
      offset += entry.bytes;
      next = entry.sequence + 1;
      damaged |= entry.is_hole();
      if (!entry.is_hole()) {
        journal.entries_after_damage += damaged;
      } else if (entry.first_sequence <= entry.sequence) {
        journal.holes.push_back(
            {entry.first_sequence, entry.sequence, entry.hole_snapshot, entry.hole_left_out});
      }
    }
    if (!segment.IsZeroFrom(offset)) {
      journal.problem = segment.path + " holds bytes after its last entry";
      return journal;
    }
  }
  return journal;
}

// The number of entries from this one on that are kept together or not at all.
size_t CountGroup(const RepairBasis& basis, size_t at) {
  const RunEntry& found = basis.entries[at];
  if (!found.entry.is_of_transaction()) return 1;
  const DiskSegment& segment = basis.segments[found.segment];
  const auto place =
      std::find_if(segment.entries.begin(), segment.entries.end(),
                   [&](const DiskEntry& entry) { return entry.offset == found.entry.offset; });
  return std::max<size_t>(
      1, segment.TransactionAt(static_cast<size_t>(place - segment.entries.begin())));
}

bool AreSameHole(const Hole& a, const Hole& b) {
  return a.first_sequence == b.first_sequence && a.last_sequence == b.last_sequence &&
         a.snapshot_sequence == b.snapshot_sequence && a.entries_left_out == b.entries_left_out;
}

}  // namespace

// What was found of the entries of a repaired journal.
struct KeptEntries {
  const std::string who;
  const DiskReading& after;
  const std::map<uint64_t, const RunEntry*>& kept_at;
  ModelState* const state;  // over the kept entries
  uint64_t reached = 0;     // without a loss that the snapshot does not cover
  bool whole = true;        // up to there
  uint64_t left_out = 0;    // by the books
  uint64_t not_asked = 0;   // of them, perhaps
  uint64_t dropped = 0;
  uint64_t next = 0;                 // after the last entry that was kept or refused
  const RunEntry* before = nullptr;  // the last kept one

  bool IsKept(const RepairBasis& basis, const RunEntry& found) const {
    const auto place = kept_at.find(found.entry.sequence);
    return place != kept_at.end() && place->second->entry.offset == found.entry.offset &&
           after.segments[place->second->segment].index == basis.segments[found.segment].index;
  }
};

void Run::JudgeRepair(const DamagedDisk& disk) {
  Quiet quiet(&quiet_);
  RepairOutcome outcome;
  outcome.policy = random_.Chance(0.35) ? RecoveryPolicy::kPointInTime : RecoveryPolicy::kSalvage;
  outcome.by_itself = random_.Chance(0.5);
  const uint64_t seed = random_.Next();
  uint64_t calls = 0;
  {
    SimulatedEnvironment world(seed, disk.image);
    world.file_system().faults().SetHook([&](CallKind kind, const std::string&) {
      calls += kind != CallKind::kMark;
      return Fault();
    });
    Repair(world, options_, &outcome);
    Trace(outcome.who() + outcome.status.ToString() + ", last " + std::to_string(outcome.last) +
          ", " + std::to_string(outcome.holes.size()) + " holes");
    if (!Holds(outcome.status.ok() || IsUnchanged(world, disk.image),
               disk.what + outcome.who() +
                   "refused, and changed the disk: " + outcome.status.ToString())) {
      return;
    }
  }
  JudgeRepaired(disk, outcome);
  if (ok() && random_.Chance(0.3)) {
    SimulatedEnvironment world(random_.Next(), disk.image);
    const std::string difference = DifferenceOfDryRun(world, options_, outcome);
    Holds(difference.empty(), disk.what + outcome.who() + "a dry run differs: " + difference);
    Holds(IsUnchanged(world, disk.image), disk.what + outcome.who() + "a dry run changed the disk");
  }
  if (ok() && outcome.status.ok() && random_.Chance(0.5)) {
    JudgeInterrupted(disk, outcome, seed, calls);
  }
}

// Traces the content of a disk, one line per file.
void Run::TraceDisk(const DiskImage& image) {
  const DiskReading reading = ReadDisk(image);
  const DiskHead& head = reading.head;
  Trace("  HEAD" + std::string(head.valid ? "" : " (not valid)") + ": " +
        std::to_string(head.oldest_index) + " to " + std::to_string(head.newest_index) +
        ", ready " + std::to_string(head.ready_index) + ", durable " +
        std::to_string(head.durable));
  const auto trace = [&](const DiskSegment& segment, const char* kind) {
    std::string line = "  " + std::string(kind) + " " + std::to_string(segment.index);
    if (!segment.header_valid) line += " (header does not verify)";
    if (!segment.entries.empty()) {
      line += ": " + std::to_string(segment.entries.size()) + " entries, " +
              std::to_string(segment.entries.front().first_sequence) + " to " +
              std::to_string(segment.entries.back().sequence) + ", end at " +
              std::to_string(segment.entries.back().offset + segment.entries.back().bytes);
    }
    line += ", marked " + std::to_string(segment.marked) + ", link " +
            std::to_string(segment.link) + " after " + std::to_string(segment.predecessor_link);
    Trace(line);
  };
  for (const DiskSegment& segment : reading.leftovers) trace(segment, "leftover");
  for (const DiskSegment& segment : reading.segments) trace(segment, "segment");
  for (const DiskSnapshot& snapshot : reading.snapshots) {
    Trace("  snapshot " + std::to_string(snapshot.sequence) +
          (snapshot.sound ? "" : " (does not verify)"));
  }
}

void Run::JudgeRepaired(const DamagedDisk& disk, const RepairOutcome& outcome) {
  const std::string who = disk.what + outcome.who();
  const RepairBasis basis = FindRepairBasis(ReadDisk(disk.image));
  if (!outcome.status.ok()) {
    ++result_.counts.repairs_refused;
    Holds(outcome.status.code() == Code::kNotOurFile ||
              (outcome.status.code() == Code::kJournalGap && basis.gap),
          who + "refused: " + outcome.status.ToString());
    return;
  }
  ++result_.counts.repairs;
  const DiskReading after = ReadDisk(outcome.disk);
  const StrictVerdict verdict = JudgeByTheBook(after);
  const RepairedJournal journal = ReadRepaired(after);
  result_.counts.holes += journal.holes.size();
  const std::string missing = MissingFromQuarantine(disk.image, outcome.disk, outcome.by_itself);
  if (!Holds(!basis.gap, who + "nothing leads to the journal's beginning") ||
      !Holds(outcome.snapshot == basis.snapshot,
             who + "built on snapshot " + std::to_string(outcome.snapshot) + " instead of " +
                 std::to_string(basis.snapshot)) ||
      !Holds(verdict.refusal.empty(), who + "left what must be refused: " + verdict.refusal) ||
      !Holds(journal.problem.empty(), who + journal.problem) ||
      !Holds(verdict.end == outcome.last, who + "ends at " + std::to_string(verdict.end) +
                                              " instead of " + std::to_string(outcome.last)) ||
      !Holds(std::equal(journal.holes.begin(), journal.holes.end(), outcome.holes.begin(),
                        outcome.holes.end(), AreSameHole),
             who + "the holes are not the ones of the report") ||
      !Holds(journal.entries_after_damage == outcome.entries_after_damage,
             who + "says that " + std::to_string(outcome.entries_after_damage) +
                 " entries were kept after the damage; they are " +
                 std::to_string(journal.entries_after_damage)) ||
      !Holds(missing.empty(), who + missing + " is neither in its place nor in quarantine")) {
    return;
  }
  ModelState state;
  bool invented = false;
  JudgeKept(disk, outcome, basis, after, journal.entries, &state, &invented);
  if (ok()) GoOn(disk, outcome, journal.entries, invented ? nullptr : &state);
}

// Everything that verifies is kept, unless the policy or the books do not allow it; and nothing
// else exists. `*state` is the model over the kept entries.
void Run::JudgeKept(const DamagedDisk& disk, const RepairOutcome& outcome, const RepairBasis& basis,
                    const DiskReading& after, const std::vector<RunEntry>& kept, ModelState* state,
                    bool* invented) {
  const std::string who = disk.what + outcome.who();
  // A foreign snapshot that a repair could not tell from the directory's own.
  *invented = !IsOwnSnapshot(disk.image, outcome.snapshot);
  std::map<uint64_t, const RunEntry*> kept_at;
  for (const RunEntry& found : kept) {
    if (found.entry.is_hole()) continue;
    kept_at[found.entry.sequence] = &found;
    if (!IsOwn(after.segments[found.segment], found.entry)) *invented = true;
  }
  if (*invented) {
    ++result_.counts.copies_kept;
    Holds(disk.sources != nullptr, who + "kept what nobody appended");
    return;
  }
  *state = outcome.snapshot == 0 ? ModelState() : StateAt(outcome.snapshot);
  KeptEntries judged{who, after, kept_at, state, outcome.snapshot};
  for (size_t at = 0; at < basis.entries.size() && ok();) {
    const size_t count = CountGroup(basis, at);
    if (!basis.entries[at].entry.is_hole() &&
        !JudgeGroup(outcome, basis, std::span(&basis.entries[at], count), &judged)) {
      return;
    }
    at += count;
  }
  state->Skip(outcome.last);
  if (!ok() || !basis.in_order) return;
  uint64_t reported = 0;
  for (const Hole& hole : outcome.holes) reported += hole.entries_left_out;
  Holds(!outcome.is_salvage() ||
            (reported <= judged.left_out && reported + judged.not_asked >= judged.left_out),
        who + "says that " + std::to_string(reported) + " entries were left out; they are " +
            std::to_string(judged.left_out));
  Holds(judged.dropped == outcome.entries_dropped,
        who + "says that " + std::to_string(outcome.entries_dropped) +
            " valid entries were dropped; they are " + std::to_string(judged.dropped));
  Holds(outcome.is_salvage() || outcome.last == judged.reached,
        who + "kept up to " + std::to_string(outcome.last) + "; the first loss is after " +
            std::to_string(judged.reached));
}

// A single entry, or the entries of one transaction: kept wholly or not at all. False if the
// verdict is final.
bool Run::JudgeGroup(const RepairOutcome& outcome, const RepairBasis& basis,
                     std::span<const RunEntry> group, KeptEntries* judged) {
  const RunEntry& found = group.front();
  const uint64_t first = found.entry.sequence;
  const uint64_t last = group.back().entry.sequence;
  const std::string which = judged->who + "entry " + std::to_string(first) + " ";
  const size_t count_kept =
      static_cast<size_t>(std::count_if(group.begin(), group.end(), [&](const RunEntry& entry) {
        return judged->IsKept(basis, entry);
      }));
  const bool is_kept = count_kept > 0;
  const bool is_whole = group.size() > 1 || !found.entry.is_of_transaction();
  if (!Holds(!is_kept || count_kept == group.size(), which + "was kept, and its transaction not") ||
      !Holds(!is_kept || is_whole, which + "of a broken transaction was kept")) {
    return false;
  }
  ModelState then;
  bool fits = true;
  if (group.size() > 1) {
    then = *judged->state;
    fits = ApplyAll(group, outcome.snapshot, &then);
  } else if (first > outcome.snapshot) {
    fits = judged->state->Takes(entries_[first - 1]);
  }
  if (first > judged->reached + 1) judged->whole = false;
  if (is_whole && first == judged->reached + 1 && judged->whole && fits) judged->reached = last;
  if (is_kept) {
    if (!Holds(fits, which + "was kept, and the books can't take it")) return false;
    if (group.size() > 1) {
      *judged->state = std::move(then);
    } else if (first > outcome.snapshot) {
      judged->state->Apply(entries_[first - 1], first);
    }
    judged->before = &group.back();
    judged->next = last + 1;
    return true;
  }
  judged->dropped += group.size();
  // A line out of place, or of an incomplete transaction.
  if (first < judged->next || !is_whole) return true;
  if (!fits) {
    judged->left_out += group.size();
    // If a hole takes its lines, the books are not asked.
    if (HasNoRoom(basis, found, judged->before)) judged->not_asked += group.size();
    judged->whole = false;
    judged->next = last + 1;
    return true;
  }
  if (!outcome.is_salvage() && first > judged->reached) return true;
  // Lines that a device wrote over others of their segment may mislead a repair.
  if (!basis.in_order) return true;
  return Holds(HasNoRoom(basis, found, judged->before), which + "verifies and was not kept");
}

// Applies the entries after the snapshot; false if the books refuse one of them.
bool Run::ApplyAll(std::span<const RunEntry> group, uint64_t snapshot, ModelState* state) const {
  for (const RunEntry& found : group) {
    const uint64_t sequence = found.entry.sequence;
    if (sequence <= snapshot) continue;
    if (!state->Takes(entries_[sequence - 1])) return false;
    state->Apply(entries_[sequence - 1], sequence);
  }
  return true;
}

// The hole before the entry needs the entry's own lines, since no free line separates it from the
// last kept one.
bool Run::HasNoRoom(const RepairBasis& basis, const RunEntry& found, const RunEntry* before) const {
  if (before == nullptr) return found.entry.offset == 4096;
  const DiskSegment& segment = basis.segments[before->segment];
  const uint64_t end = before->entry.offset + before->entry.bytes;
  if (found.segment == before->segment) return false;
  return basis.segments[found.segment].index == segment.index + 1 && found.entry.offset == 4096 &&
         end + 64 > segment.bytes.size();
}

bool Run::IsOwn(const DiskSegment& segment, const DiskEntry& entry) const {
  return entry.sequence <= entries_.size() &&
         entries_[entry.sequence - 1].IsStoredAs(segment.bytes.data() + entry.offset, entry.bytes,
                                                 entry.sequence);
}

// Whether the snapshot of this sequence is the model's.
bool Run::IsOwnSnapshot(const DiskImage& image, uint64_t sequence) {
  if (sequence == 0) return true;
  if (sequence > entries_.size()) return false;
  SimulatedEnvironment world(1, image);
  BookSet books;
  std::vector<uint8_t> user_state;
  SnapshotInfo info;
  const Status status = ReadSnapshot(world.environment().file_system, SnapshotPath(sequence),
                                     &books, &user_state, &info);
  const ModelState state = StateAt(sequence);
  return status.ok() && state.Difference(books).empty() && user_state == UserBytes(state);
}

// The repaired directory opens strictly and clean, after a power cut too, and works like any other.
// `state`: what it must hold; null if that is unknown.
void Run::GoOn(const DamagedDisk& disk, const RepairOutcome& outcome,
               const std::vector<RunEntry>& kept, const ModelState* state) {
  const std::string who = disk.what + outcome.who() + "then: ";
  StrictOpen open;
  OpenStrictly(outcome.disk, who, &open);
  if (!ok() || !Holds(open.status.ok(), who + open.status.ToString()) ||
      !Holds(open.report.tail == Tail::kClean, who + "torn: " + open.report.break_reason) ||
      !Holds(open.report.damaged_snapshots.empty(), who + "damaged snapshots were left")) {
    return;
  }
  FileSystem* fs = open.world->environment().file_system;
  // (A filler without a loss is invisible to a reader.)
  std::vector<DiskEntry> wanted;
  for (const RunEntry& found : kept) {
    if (found.entry.first_sequence <= found.entry.sequence) wanted.push_back(found.entry);
  }
  size_t given = 0;
  Status status = FollowJournal(fs, 0, [&](const uint8_t* entry, uint64_t bytes) {
    uint64_t sequence = 0;
    std::memcpy(&sequence, entry + 8, sizeof(sequence));
    const bool right = given < wanted.size() && wanted[given].sequence == sequence &&
                       wanted[given].bytes == bytes && wanted[given].type == entry[6];
    ++given;
    return Holds(right, who + "reading the journal gave entry " + std::to_string(sequence) +
                            " instead of what is there");
  });
  if (!Holds(status.ok(), who + "the journal can't be read: " + status.ToString()) ||
      !Holds(given == wanted.size(), who + "reading the journal gave too little")) {
    return;
  }
  UserState user;
  if (state != nullptr) {
    const std::string difference = state->Difference(open.engine->books());
    if (!Holds(difference.empty(), who + "the books are not the model's: " + difference)) return;
    const std::vector<uint8_t> restored =
        outcome.snapshot == 0 ? std::vector<uint8_t>() : UserBytes(StateAt(outcome.snapshot));
    if (!Holds(open.engine->recovered_user_state() == restored,
               who + "the user's state of the snapshot is not the model's")) {
      return;
    }
    if (has_state_machine_) {
      status = ReplayUserState(fs, restored, outcome.snapshot, outcome.last, &user);
      if (!Holds(status.ok(), who + "the user's state can't be replayed: " + status.ToString()) ||
          !Holds(user == state->user_state(), who + "the user's state is not the model's")) {
        return;
      }
    }
  }
  WriteOnAfter(who, &open, user);
}

// Appends, takes a snapshot, compacts, and opens again after a power cut.
void Run::WriteOnAfter(const std::string& who, StrictOpen* open, UserState user) {
  Engine& engine = *open->engine;
  const std::vector<uint8_t> payload(random_.Chance(0.3) ? 4000 : 40, uint8_t{1});
  const uint64_t count = 1 + random_.Below(20);
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t sequence = 0;
    const Code code = engine.AppendPayload(0, 0, 0, payload.data(),
                                           static_cast<uint32_t>(payload.size()), &sequence);
    if (!Holds(code == Code::kOk, who + "the journal can't be written: " + CodeName(code))) return;
    user.Apply(sequence, 0x80, 0, payload);
  }
  const bool with_snapshot = random_.Chance(0.6);
  SnapshotInfo info;
  CompactionReport compaction;
  Status status = engine.SyncNow();
  if (status.ok() && with_snapshot) {
    status = engine.BuildSnapshot(engine.FixSnapshotPoint(), user.Bytes(), &info);
    if (status.ok()) status = engine.Compact(true, &compaction);
  }
  if (status.ok() && random_.Chance(0.5)) status = engine.Close();
  if (!Holds(status.ok(), who + "it does not go on: " + status.ToString())) return;
  const uint64_t last = engine.appended();
  const uint64_t digest = DigestOf(engine.books());
  PowerCutOptions nothing;
  nothing.unsynced = PowerCutOptions::Unsynced::kNothing;
  const DiskImage later = open->world->file_system().PowerCut(random_, nothing);
  StrictOpen again;
  OpenStrictly(later, who + "once more: ", &again);
  if (!ok()) return;
  Holds(again.status.ok() && again.report.tail == Tail::kClean,
        who + "once more: " + again.status.ToString());
  if (!ok()) return;
  Holds(again.engine->appended() == last && DigestOf(again.engine->books()) == digest,
        who + "what was written after it reads back differently");
  Holds(!with_snapshot || again.report.snapshot_sequence == last,
        who + "the snapshot that was taken after it is not used");
}

// The same repair, with a crash at one of its calls. The result opens as before the repair or as
// after it, and the repair can be finished or repeated.
void Run::JudgeInterrupted(const DamagedDisk& disk, const RepairOutcome& whole, uint64_t seed,
                           uint64_t calls) {
  const std::string who = disk.what + whole.who() + "interrupted: ";
  ++result_.counts.repair_crashes;
  const bool kill = random_.Chance(0.3);
  // In the last third the steps are written down and taken.
  const uint64_t crash_at =
      1 + (random_.Chance(0.5) ? random_.Below(calls) : calls - 1 - random_.Below(calls / 3 + 1));
  DiskImage left;
  {
    SimulatedEnvironment world(seed, disk.image);
    uint64_t call = 0;
    world.file_system().faults().SetHook([&](CallKind kind, const std::string& path) {
      if (kind == CallKind::kMark || ++call < crash_at) return Fault();
      if (call == crash_at) {
        Trace(std::string(kill ? "killed" : "power cut") + " at " + CallKindName(kind) + " " +
              path);
        left = kill ? FilesOf(world) : world.file_system().PowerCut(random_);
      }
      return Fault{.system_error = 5, .bytes = 0, .never_made = true};
    });
    RepairOutcome cut = whole;
    Repair(world, options_, &cut);
    if (call < crash_at) left = FilesOf(world);
  }
  if (whole.by_itself) {
    const std::string missing = MissingFromQuarantine(disk.image, left, true);
    if (!Holds(missing.empty(), who + missing + " is neither in its place nor in quarantine")) {
      return;
    }
  }
  // What a strict open reports for a disk, and what it then holds.
  const auto opened = [&](const DiskImage& image) -> std::string {
    StrictOpen open;
    OpenAndInspect(image, who, &open);
    return open.engine == nullptr ? open.status.ToString()
                                  : std::to_string(DigestOf(open.engine->books()));
  };
  const std::string wanted = opened(whole.disk);
  const std::string found = opened(left);
  if (!Holds(found == wanted || found == opened(disk.image),
             who + "neither as before the repair nor as after it: " + found)) {
    return;
  }
  SimulatedEnvironment world(random_.Next(), left);
  RepairOutcome again = whole;
  again.by_itself = false;
  Repair(world, options_, &again);
  if (!Holds(again.status.ok(), who + "can no longer be repaired: " + again.status.ToString())) {
    return;
  }
  Holds(opened(again.disk) == wanted, who + "repaired again, it is something else");
}

}  // namespace pinnacle::simulation
