// Zone: an IANA time zone, from the system's time zone database (Debian package tzdata). The only
// place that knows the library behind it.
//
// The database says when the clocks change until 2037; after that the offset stays as it is.
// Immutable and cheap to copy. Thread-safe.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "pkg/base/result.hpp"

namespace date {
class time_zone;
}

namespace weir::cron {

using SysSeconds = std::chrono::sys_seconds;      // an instant
using LocalSeconds = std::chrono::local_seconds;  // what a clock on the wall shows

class Zone {
 public:
  // "Europe/Berlin", "UTC". Error: invalid / unknown_time_zone; also when the system has no time
  // zone database. "UTC" needs none.
  static Result<Zone> find(std::string_view name);
  static Zone utc() { return {"UTC", nullptr}; }

  const std::string& name() const { return name_; }

  // The wall clock runs evenly from `begin` until `end`.
  struct Period {
    SysSeconds begin;
    SysSeconds end;
    std::chrono::seconds offset;  // of the wall clock from UTC
  };
  Period period_at(SysSeconds time) const;
  LocalSeconds to_local(SysSeconds time) const;

  // When the wall clock shows `local`: the first time when it does so twice; the first moment after
  // the gap when it never does. Never decreases as `local` grows.
  SysSeconds first_moment(LocalSeconds local) const;

 private:
  Zone(std::string name, const date::time_zone* zone) : name_(std::move(name)), zone_(zone) {}

  std::string name_;
  const date::time_zone* zone_;  // lives as long as the program; null: UTC
};

}  // namespace weir::cron
