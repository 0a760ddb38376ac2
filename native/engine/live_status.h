// Publishes what live/live_page.h has, of one engine. One thread.
#ifndef PINNACLE_ENGINE_LIVE_STATUS_H_
#define PINNACLE_ENGINE_LIVE_STATUS_H_

#include <cstdint>
#include <memory>

#include "base/status.h"
#include "live/live_page.h"
#include "platform/environment.h"

namespace pinnacle {

class Engine;
class Journal;

class LiveStatus {
 public:
  // If there is no window, makes the file for the page. If that fails, nothing is published.
  LiveStatus(const Environment& environment, const Engine* engine, Journal* journal);

  // Once in kBeatNs, whenever it is called more often.
  void Beat(uint64_t monotonic_ns);
  // Says that the writer has closed, or could not.
  void End(bool closed);

  static constexpr uint64_t kBeatNs = 100'000'000;

 private:
  // How long a frontier has lagged without moving.
  struct Wait {
    uint64_t frontier = 0;
    uint64_t since_ns = 0;  // 0: nothing waits
    uint64_t Note(uint64_t now, bool waits, uint64_t monotonic_ns);
  };

  void Publish(LiveState state, uint64_t monotonic_ns);

  Clock* const clock_;
  const Engine* const engine_;
  Journal* const journal_;  // of the engine
  const uint64_t opened_ns_;
  std::unique_ptr<File> file_;  // null: it goes into the window
  std::unique_ptr<LivePage> page_;
  uint64_t last_beat_ns_ = 0;
  Wait written_;
  Wait durable_;
};

// The page of the writer that has the directory open, or had it last. kNotFound: there is none;
// kCorrupt, kNewerVersion.
Status ReadLiveStatus(FileSystem* file_system, const std::string& data_directory, LivePage* page);

}  // namespace pinnacle

#endif  // PINNACLE_ENGINE_LIVE_STATUS_H_
