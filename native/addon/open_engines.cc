#include "addon/open_engines.h"

#include <algorithm>
#include <mutex>
#include <shared_mutex>
#include <vector>

namespace pinnacle::addon {

namespace {

struct EngineOfThread {
  Engine* engine;
  FileIdentity directory;
};

struct OpenEngines {
  std::shared_mutex mutex;
  std::vector<EngineOfThread> engines;
};

// Never destroyed: threads may outlast what is destroyed at exit.
OpenEngines& All() {
  static OpenEngines* const all = new OpenEngines;
  return *all;
}

}  // namespace

void AddOpenEngine(Engine* engine) {
  const FileIdentity directory = DirectoryIdentity(engine->options().data_directory);
  std::lock_guard lock(All().mutex);
  All().engines.push_back({engine, directory});
}

void RemoveOpenEngine(Engine* engine) {
  std::lock_guard lock(All().mutex);
  std::erase_if(All().engines, [&](const EngineOfThread& open) { return open.engine == engine; });
}

FileIdentity DirectoryIdentity(const std::string& data_directory) {
  FileIdentity identity;
  if (!FileSystem::Real()->Identify(data_directory, &identity).ok()) return FileIdentity();
  return identity;
}

void WriteOut(const FileIdentity& directory) {
  if (directory == FileIdentity()) return;
  std::shared_lock lock(All().mutex);
  for (const EngineOfThread& open : All().engines) {
    if (open.directory == directory) (void)open.engine->WriteOut();
  }
}

}  // namespace pinnacle::addon
