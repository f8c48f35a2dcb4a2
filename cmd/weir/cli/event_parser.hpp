// EventParser: the client's end of Server-Sent Events. Not thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace weir::cli {

// Takes a text/event-stream apart, in whatever pieces it comes.
class EventParser {
 public:
  struct Event {
    std::string type;
    std::string data;
  };
  // `take` sees each event that is complete now.
  template <class Take>
  void feed(std::string_view bytes, Take take) {
    for (const char c : bytes) {
      if (c != '\n') {
        if (c != '\r') line_ += c;
        continue;
      }
      if (!line_.empty()) {
        add_line();
      } else {
        // Now, not before: an event that was cut off is to come again.
        if (!id_.empty()) last_id_ = id_;
        if (!event_.data.empty()) take(event_);
        event_ = {};
      }
      line_.clear();
    }
  }
  // A new connection: what the last one left unfinished is dropped.
  void restart() {
    line_.clear();
    id_ = last_id_;
    event_ = {};
  }
  // Of the newest event that was complete.
  const std::string& last_id() const { return last_id_; }

 private:
  void add_line() {
    const auto colon = line_.find(": ");
    if (colon == std::string::npos || colon == 0) return;
    const std::string name = line_.substr(0, colon);
    std::string value = line_.substr(colon + 2);
    if (name == "id") id_ = std::move(value);
    if (name == "event") event_.type = std::move(value);
    if (name == "data") event_.data += value;
  }

  std::string line_;
  Event event_;
  std::string id_;
  std::string last_id_;
};

}  // namespace weir::cli
