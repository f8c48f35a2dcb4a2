#include "cmd/weir/doctor/doctor_checks.hpp"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "pkg/base/time_text.hpp"
#include "pkg/process/file_limit.hpp"

namespace weir::cli {
namespace {

std::string octal(mode_t mode) {
  char text[8];
  std::snprintf(text, sizeof text, "%04o", static_cast<unsigned>(mode & 07777U));
  return text;
}

}  // namespace

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::ok:
      return "ok";
    case Severity::warning:
      return "warning";
    case Severity::error:
      return "error";
  }
  return "error";
}

namespace {

std::string repair_of(const std::string& problem) {
  if (problem.find("state_diverged") == std::string::npos) {
    return "the server's log says more about it";
  }
  return "build the coordinator that differs anew: stop it, remove its *.db, *.db-wal and *.db-shm "
         "but not *.outbox.db, start it (docs/operations.md)";
}

}  // namespace

std::vector<Finding> check_health(const Json& body) {
  std::vector<Finding> out;
  const auto components = body.value("components", Json::object());
  for (const auto& [name, component] : components.items()) {
    const auto status = field(component, "status");
    const bool well = status == "ok" || status == "operational" || status == "healthy";
    if (well) continue;
    const auto error = field(component, "error");
    const bool bad = status == "down" || status == "unhealthy" || status == "error";
    out.push_back({bad ? Severity::error : Severity::warning, "component " + name,
                   status + (error == "-" ? "" : ": " + error), repair_of(error)});
  }
  if (out.empty()) out.push_back({Severity::ok, "components", "all are well", ""});
  return out;
}

Finding check_clock(Timestamp server, Timestamp before, Timestamp after) {
  const auto skew = server < before ? before - server : std::max(server - after, Millis{0});
  const std::string text = format_duration(skew) + " between this machine and the server";
  if (skew < Millis{2000}) return {Severity::ok, "clock", text, ""};
  return {skew < Millis{60'000} ? Severity::warning : Severity::error, "clock", text,
          "run an NTP client (chrony, systemd-timesyncd) on both"};
}

std::vector<Finding> check_keys(const Json& page, Timestamp now) {
  constexpr std::chrono::hours kOld{365 * 24};
  std::vector<Finding> out;
  std::size_t active = 0;
  for (const auto& key : page.value("items", Json::array())) {
    const auto ends = parse_rfc3339(field(key, "expires_at"));
    if (field(key, "revoked_at") != "-" || (ends && *ends <= now)) continue;
    ++active;
    const auto turned = parse_rfc3339(field(key, "rotated_at"));
    const auto since = turned ? turned : parse_rfc3339(field(key, "created_at"));
    if (!since || now - *since < kOld) continue;
    const auto days = std::chrono::duration_cast<std::chrono::hours>(now - *since).count() / 24;
    out.push_back({Severity::warning, "key " + field(key, "name"),
                   "is " + std::to_string(days) + " days old",
                   "weir key rotate " + field(key, "id")});
  }
  if (out.empty()) {
    out.push_back(
        {Severity::ok, "key age", std::to_string(active) + " keys, none over a year", ""});
  }
  return out;
}

Finding check_disk(const std::string& folder) {
  struct statvfs info {};
  if (::statvfs(folder.c_str(), &info) != 0) {
    return {Severity::warning, "disk", "cannot look at " + folder, "does it exist?"};
  }
  const auto block = static_cast<std::int64_t>(info.f_frsize);
  const auto available = static_cast<std::int64_t>(info.f_bavail) * block;
  const auto total = std::max<std::int64_t>(static_cast<std::int64_t>(info.f_blocks) * block, 1);
  const std::string text = human_bytes(available) + " free for " + folder;
  if (available < (100LL << 20)) {
    return {Severity::error, "disk", text, "make room now: writes are about to fail"};
  }
  if (available < (1LL << 30) || available * 20 < total) {
    return {Severity::warning, "disk", text, "make room, or move data_dir"};
  }
  return {Severity::ok, "disk", text, ""};
}

std::vector<Finding> check_permissions(const std::string& folder) {
  struct Item {
    std::string path;
    mode_t want;
    Severity severity;
  };
  const Item items[]{{folder, 0700, Severity::warning},
                     {folder + "/admin-key", 0600, Severity::error},
                     {folder + "/nats/client.json", 0600, Severity::error}};
  std::vector<Finding> out;
  for (const auto& [path, want, severity] : items) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) continue;
    if (info.st_uid != ::geteuid() && ::geteuid() != 0) {
      out.push_back({Severity::warning, "owner", path + " belongs to another user",
                     "run as the user of `weir serve`"});
    }
    if ((info.st_mode & 0077U) != 0) {
      out.push_back({severity, "permissions",
                     path + " is open to other users (" + octal(info.st_mode) + ")",
                     "chmod " + octal(want) + " " + path});
    }
  }
  if (out.empty()) out.push_back({Severity::ok, "permissions", folder + " is private", ""});
  return out;
}

Finding check_open_files() {
  constexpr std::uint64_t kWanted = 4096;
  const auto most = process::most_open_files();
  const std::string text = "a server started here may have " + std::to_string(most);
  if (most >= kWanted) return {Severity::ok, "open files", text, ""};
  return {
      Severity::warning, "open files", text,
      "it takes fewer clients than max_connections: ulimit -Hn 65536, or LimitNOFILE= in its unit"};
}

}  // namespace weir::cli
