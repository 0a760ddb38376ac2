// What a writer does whose files are removed, renamed or replaced under its hands.
#include <filesystem>
#include <fstream>
#include <functional>

#include "doctest.h"
#include "engine/engine.h"
#include "test/temporary_directory.h"

namespace pinnacle {
namespace {

namespace files = std::filesystem;

constexpr uint64_t kEntriesOfSegment = (64 * 1024 - kSegmentHeaderBytes) / kLineBytes;

struct Writer {
  TemporaryDirectory directory;
  std::string data = directory.path() + "/data";
  std::unique_ptr<Engine> engine;
  uint64_t sequence = 0;

  Writer() {
    REQUIRE(Open().ok());
    uint16_t index = 0;
    REQUIRE(engine->DefineInstrument({"AAA", 2, 0, InstrumentKind::kOrders}, &index).ok());
    for (uint64_t i = 0; i < 3 * kEntriesOfSegment; ++i) REQUIRE(Append() == Code::kOk);
    REQUIRE(engine->SyncNow().ok());
  }
  Status Open() {
    EngineOptions options;
    options.data_directory = data;
    options.journal.segment_bytes = 64 * 1024;
    options.durability = Durability::kAppended;
    options.compaction_threshold_bytes = 0;
    RecoveryReport report;
    return Engine::Open(Environment::Real(), options, nullptr, &engine, &report);
  }
  Code Append() {
    const uint8_t payload[kLinePayloadBytes] = {1};
    return engine->AppendPayload(1, 1, 0, payload, sizeof(payload), &sequence);
  }
  std::string Segment(uint64_t index) const { return data + "/journal/" + SegmentName(index); }
};

void Replace(const std::string& path) {
  files::copy_file(path, path + ".copy");
  files::rename(path + ".copy", path);
}

struct Loss {
  const char* name;
  std::function<void(const Writer&)> happen;
};

const Loss kLosses[] = {
    {"the data directory is removed", [](const Writer& w) { files::remove_all(w.data); }},
    {"it is renamed", [](const Writer& w) { files::rename(w.data, w.data + "-2"); }},
    {"it is made anew",
     [](const Writer& w) {
       files::remove_all(w.data);
       files::create_directories(w.data + "/journal");
     }},
    {"it is replaced by a copy",
     [](const Writer& w) {
       files::copy(w.data, w.data + "-2", files::copy_options::recursive);
       files::rename(w.data, w.data + "-3");
       files::rename(w.data + "-2", w.data);
     }},
    {"LOCK is removed", [](const Writer& w) { files::remove(w.data + "/LOCK"); }},
    {"LOCK is replaced", [](const Writer& w) { Replace(w.data + "/LOCK"); }},
    {"HEAD is removed", [](const Writer& w) { files::remove(w.data + "/HEAD"); }},
    {"HEAD is replaced", [](const Writer& w) { Replace(w.data + "/HEAD"); }},
    {"the journal's directory is removed",
     [](const Writer& w) { files::remove_all(w.data + "/journal"); }},
    {"the current segment is removed",
     [](const Writer& w) { files::remove(w.Segment(w.engine->journal()->segment_index())); }},
    {"the current segment is replaced",
     [](const Writer& w) { Replace(w.Segment(w.engine->journal()->segment_index())); }},
};

TEST_CASE("a sync acknowledges nothing once a file of the writer's lost its name") {
  for (const Loss& loss : kLosses) {
    CAPTURE(loss.name);
    Writer writer;
    const uint64_t durable = writer.engine->durable();
    REQUIRE(durable == writer.engine->appended());
    loss.happen(writer);
    REQUIRE(writer.Append() == Code::kOk);  // into memory: no call is made for an append
    const Status status = writer.engine->SyncNow();
    CHECK_MESSAGE(status.code() == Code::kDirectoryLost, status.ToString());
    CHECK(writer.engine->durable() == durable);
    CHECK(writer.Append() == Code::kDirectoryLost);
    CHECK(writer.engine->last_error().code() == Code::kDirectoryLost);
    CHECK(writer.engine->SyncNow().code() == Code::kDirectoryLost);
    SnapshotInfo info;
    CHECK_FALSE(writer.engine->BuildSnapshot(writer.engine->FixSnapshotPoint(), {}, &info).ok());
    CHECK(writer.engine->Close().code() == Code::kDirectoryLost);
  }
}

TEST_CASE("the loss of an older segment is noticed before the next segment is made") {
  for (const bool is_replaced : {false, true}) {
    CAPTURE(is_replaced);
    Writer writer;
    if (is_replaced) {
      Replace(writer.Segment(1));
    } else {
      files::remove(writer.Segment(1));
    }
    Code code = Code::kOk;
    for (uint64_t i = 0; i < 2 * kEntriesOfSegment && code == Code::kOk; ++i)
      code = writer.Append();
    CHECK(code == Code::kDirectoryLost);
    CHECK(writer.engine->Close().code() == Code::kDirectoryLost);
  }
}

TEST_CASE(
    "a writer that lost its directory takes no snapshot into another one, and removes nothing") {
  Writer writer;
  files::rename(writer.data, writer.data + "-2");
  files::copy(writer.data + "-2", writer.data, files::copy_options::recursive);
  SnapshotInfo info;
  CHECK(writer.engine->BuildSnapshot(writer.engine->FixSnapshotPoint(), {}, &info).code() ==
        Code::kDirectoryLost);
  CHECK(files::is_empty(writer.data + "/snapshots"));
  CHECK(files::is_empty(writer.data + "-2/snapshots"));
}

TEST_CASE("a directory that is moved back opens again with all that was acknowledged") {
  Writer writer;
  const uint64_t durable = writer.engine->durable();
  files::rename(writer.data, writer.data + "-2");
  REQUIRE(writer.Append() == Code::kOk);
  CHECK(writer.engine->SyncNow().code() == Code::kDirectoryLost);
  CHECK(writer.engine->Close().code() == Code::kDirectoryLost);
  files::rename(writer.data + "-2", writer.data);
  const Status status = writer.Open();
  REQUIRE_MESSAGE(status.ok(), status.ToString());
  CHECK(writer.engine->appended() >= durable);
}

TEST_CASE("compaction and rolls beside syncs take no segment for a lost one") {
  Writer writer;
  REQUIRE(writer.engine->StartThreads([](uint64_t, const Status&) {}).ok());
  for (int round = 0; round < 30; ++round) {
    for (uint64_t i = 0; i < 2 * kEntriesOfSegment; ++i) REQUIRE(writer.Append() == Code::kOk);
    SnapshotInfo info;
    REQUIRE(writer.engine->BuildSnapshot(writer.engine->FixSnapshotPoint(), {}, &info).ok());
    CompactionReport report;
    REQUIRE(writer.engine->Compact(true, &report).ok());
  }
  CHECK(writer.engine->Close().ok());
}

}  // namespace
}  // namespace pinnacle
