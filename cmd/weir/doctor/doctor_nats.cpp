// What `weir doctor` says about NATS: version, streams, durability, clock.
#include <cstdio>
#include <cstdlib>
#include <tuple>

#include "cmd/weir/doctor/doctor_checks.hpp"
#include "pkg/base/time_text.hpp"

namespace weir::cli {
namespace {

using Version = std::tuple<int, int, int>;

// JOBS and DATA, or those of another shard: JOBS-7.
bool is_log(const std::string& stream) {
  const std::string name = stream.substr(0, stream.find('-'));
  if (name != "JOBS" && name != "DATA") return false;
  return stream == name ||
         stream.find_first_not_of("0123456789", name.size() + 1) == std::string::npos;
}

bool is_ours(const std::string& stream) {
  return is_log(stream) || stream == "JOBS_DLQ" || stream == "JOB_EVENTS" ||
         stream.starts_with("WEIR_SNAPSHOTS");
}

std::string edit(const std::string& stream, const std::string& options) {
  return "nats stream edit " + stream + " " + options;
}

void check_limits(const std::string& name, const Json& stream, std::vector<Finding>& out) {
  if (field(stream, "discard") == "old") {
    out.push_back({Severity::error, "stream " + name,
                   "drops its oldest messages when it is full: accepted work would be lost",
                   edit(name, "--discard new")});
  }
  for (const auto* limit : {"max_bytes", "max_messages"}) {
    if (number(stream, limit) <= 0) continue;
    out.push_back({Severity::warning, "stream " + name,
                   std::string(limit) + " is " + std::to_string(number(stream, limit)) +
                       ": when it is full, writes are refused",
                   "remove the limit, or watch the stream's size"});
  }
  if (is_log(name) && number(stream, "max_age_ms") > 0) {
    out.push_back({Severity::error, "stream " + name,
                   "forgets entries by age: a coordinator that was away cannot follow",
                   edit(name, "--max-age 0")});
  }
}

void check_replicas(const std::string& name, const Json& stream, bool clustered,
                    std::vector<Finding>& out) {
  const auto replicas = number(stream, "replicas");
  const auto current = number(stream, "replicas_current");
  if (clustered && replicas == 1) {
    out.push_back({Severity::warning, "stream " + name,
                   "has one replica on a cluster: it is lost, or away, with one server",
                   edit(name, "--replicas 3")});
  } else if (clustered && current < replicas) {
    out.push_back(
        {Severity::warning, "stream " + name,
         std::to_string(current) + " of " + std::to_string(replicas) + " replicas live and follow",
         "look for the server that is away or behind: nats server report jetstream"});
  }
}

}  // namespace

std::vector<Finding> check_nats_version(const std::string& version) {
  int major = 0, minor = 0, patch = 0;
  if (std::sscanf(version.c_str(), "%d.%d.%d", &major, &minor, &patch) != 3) {
    return {{Severity::warning, "nats version", "unknown (\"" + version + "\")",
             "see the component nats in `weir status`"}};
  }
  const Version seen{major, minor, patch};
  const std::string upgrade = "use nats-server 2.12 or later";
  if (seen < Version{2, 9, 0}) {
    return {{Severity::error, "nats version", version + " is older than 2.9, which Weir needs",
             upgrade}};
  }
  std::vector<Finding> out;
  if (seen < Version{2, 9, 12}) {
    out.push_back({Severity::warning, "nats version",
                   version + " loses queued messages of other consumers on a filtered purge "
                             "(repaired in 2.9.12); Weir never uses one, other programs may",
                   upgrade + ", and purge no work queue with a filter"});
  }
  if (seen < Version{2, 10, 0}) {
    out.push_back({Severity::warning, "nats version",
                   version + " cannot fsync before it acknowledges: a power cut may lose the last "
                             "minute of accepted jobs",
                   upgrade});
  } else if (seen >= Version{2, 10, 20} && seen < Version{2, 10, 23}) {
    out.push_back({Severity::error, "nats version",
                   version + " may lose a whole stream when it is killed (repaired in 2.10.23)",
                   upgrade});
  } else if (seen < Version{2, 12, 0}) {
    out.push_back(
        {Severity::ok, "nats version", version + " works; 2.12 or later is recommended", ""});
  } else {
    out.push_back({Severity::ok, "nats version", version, ""});
  }
  return out;
}

std::vector<Finding> check_streams(const Json& body) {
  std::vector<Finding> out;
  const auto nats = body.value("nats", Json::object());
  const bool clustered = field(nats, "clustered") == "true";
  std::size_t seen = 0;
  for (const auto& stream : body.value("streams", Json::array())) {
    const auto name = field(stream, "name");
    if (!is_ours(name)) continue;
    ++seen;
    check_limits(name, stream, out);
    check_replicas(name, stream, clustered, out);
  }
  for (const auto& bucket : body.value("kv_buckets", Json::array())) {
    const auto name = field(bucket, "name");
    if (name == "weir-leader") check_replicas("KV_" + name, bucket, clustered, out);
  }
  if (seen == 0) {
    out.push_back({Severity::warning, "streams", "the server does not tell its streams",
                   "see the component nats in `weir status`"});
  } else if (out.empty()) {
    out.push_back(
        {Severity::ok, "streams", std::to_string(seen) + " of Weir's, as they should be", ""});
  }
  return out;
}

Finding check_fsync(const Json& body) {
  const auto sync = field(body.value("nats", Json::object()), "sync_always");
  if (sync == "true") return {Severity::ok, "fsync", "before every acknowledgement", ""};
  if (sync == "false") {
    return {Severity::warning, "fsync",
            "NATS acknowledges before it syncs to disk: a power cut loses accepted jobs",
            "start without --sync-always=false, on nats-server 2.10 or later"};
  }
  return {Severity::ok, "fsync",
          "not told by this NATS; look for `sync_interval: always` in its configuration", ""};
}

Finding check_nats_clock(const Json& body) {
  constexpr std::int64_t kTolerated = 2'000;
  constexpr std::int64_t kBad = 60'000;
  const auto nats = body.value("nats", Json::object());
  if (!nats.contains("clock_skew_ms") || !nats["clock_skew_ms"].is_number_integer()) {
    return {Severity::ok, "nats clock", "not told by this NATS", ""};
  }
  const auto skew = std::abs(nats["clock_skew_ms"].get<std::int64_t>());
  const std::string text = format_duration(Millis{skew}) + " between NATS and the server";
  if (skew < kTolerated) return {Severity::ok, "nats clock", text, ""};
  return {skew < kBad ? Severity::warning : Severity::error, "nats clock",
          text + ": leases and schedules follow the clock of NATS",
          "run an NTP client (chrony, systemd-timesyncd) on both"};
}

}  // namespace weir::cli
