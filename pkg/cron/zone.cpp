#include "pkg/cron/zone.hpp"

#include <date/tz.h>

#include <exception>

namespace weir::cron {
namespace {

date::local_seconds to_date(LocalSeconds local) {
  return date::local_seconds(local.time_since_epoch());
}

}  // namespace

Result<Zone> Zone::find(std::string_view name) {
  if (name == "UTC") return utc();
  try {
    date::get_tzdb();
  } catch (const std::exception&) {
    return Error{Code::invalid, "unknown_time_zone", "There is no time zone database",
                 "only UTC is known: install the package tzdata where weir runs"};
  }
  try {
    return Zone(std::string(name), date::locate_zone(name));
  } catch (const std::exception&) {
    return Error{Code::invalid, "unknown_time_zone", "There is no such time zone",
                 "\"" + std::string(name.substr(0, 64)) +
                     "\": use an IANA name like Europe/Berlin that the system's tzdata has"};
  }
}

Zone::Period Zone::period_at(SysSeconds time) const {
  if (zone_ == nullptr) return {SysSeconds::min(), SysSeconds::max(), {}};
  const auto info = zone_->get_info(time);
  return {info.begin, info.end, info.offset};
}

LocalSeconds Zone::to_local(SysSeconds time) const {
  return LocalSeconds(time.time_since_epoch() + period_at(time).offset);
}

SysSeconds Zone::first_moment(LocalSeconds local) const {
  if (zone_ == nullptr) return SysSeconds(local.time_since_epoch());
  const auto info = zone_->get_info(to_date(local));
  if (info.result == date::local_info::nonexistent) return info.first.end;
  return SysSeconds(local.time_since_epoch() - info.first.offset);
}

}  // namespace weir::cron
