// /admin/rooms: who is where, and cleaning up rooms that nobody uses.
#include "api/core/commands.hpp"
#include "api/core/services.hpp"
#include "pkg/json/writer.hpp"
#include "pkg/rooms/rooms.hpp"

namespace weir::api {
namespace {

using json::Writer;

constexpr std::int64_t kMostRooms = 1000;     // of one list
constexpr std::size_t kMostCleaned = 10'000;  // rooms looked at by one cleanup
constexpr std::chrono::hours kUnusedFor{1};

Result<void> list(Services& services, const Call& call) {
  const auto& request = call.request();
  WEIR_ASSIGN(const auto limit, query_int(request, "limit", 100, 1, kMostRooms));
  WEIR_ASSIGN(const auto offset, query_int(request, "offset", 0, 0, 1'000'000));
  const auto storage = request.query_value("storage").value_or("nats");
  const auto count = static_cast<std::size_t>(storage == "nats" ? offset + limit : 1);
  WEIR_ASSIGN(const auto page, services.rooms.page("", count));
  Writer out;
  out.begin_object().key("rooms").begin_array();
  const auto begin = storage == "nats" ? static_cast<std::size_t>(offset) : page.rooms.size();
  for (std::size_t at = begin; at < page.rooms.size(); ++at) {
    const auto& room = page.rooms[at];
    const auto stats = services.rooms.stats(room.name);
    if (!stats && stats.error().code != Code::not_found) return stats.error();
    if (!stats) continue;  // deleted meanwhile
    out.begin_object().member("id", room.name);
    out.member("members", static_cast<std::uint64_t>(stats->subscribers));
    out.member("createdAt", stats->oldest_at).member("lastActivity", stats->last_activity);
    out.member("storage", "nats").member("hasData", stats->has_data).end_object();
  }
  const auto total = storage == "nats" ? static_cast<std::uint64_t>(page.total) : 0;
  out.end_array().member("total", total).member("limit", limit).member("offset", offset);
  call.reply(200, out.end_object().take());
  return {};
}

// A room that was made, never used, and that nobody follows here.
Result<bool> is_unused(Services& services, const rooms::Room& room) {
  if (services.clock.wall() - room.last_activity < kUnusedFor) return false;
  const auto stats = services.rooms.stats(room.name);
  if (!stats && stats.error().code == Code::not_found) return false;
  if (!stats) return stats.error();
  return !stats->has_data && stats->subscribers == 0;
}

Result<void> clean_up(Services& services, const Call& call) {
  WEIR_ASSIGN(const auto page, services.rooms.page("", kMostCleaned));
  std::uint64_t cleaned = 0;
  for (const auto& room : page.rooms) {
    WEIR_ASSIGN(const bool unused, is_unused(services, room));
    if (!unused) continue;
    const auto removed = services.rooms.remove(room.name);
    if (!removed && removed.error().code != Code::not_found) return removed.error();
    if (removed) ++cleaned;
  }
  Writer out;
  out.begin_object().member("success", true).member("cleaned", cleaned);
  out.member("remaining", static_cast<std::uint64_t>(page.total) - cleaned);
  out.member("timestamp", services.clock.wall());
  call.reply(200, out.end_object().take());
  return {};
}

using Work = Result<void> (*)(Services&, const Call&);

Command admin_command(std::string_view name, std::string_view method, std::string_view path,
                      Services& services, Work work) {
  Command command{.name = name, .method = method, .path = path};
  command.tag = "Rooms";
  command.scope = auth::Scope::admin;
  command.handler = [&services, work](const Call& call) {
    if (const auto done = work(services, call); !done) call.fail(done.error());
  };
  command.errors = {{Code::unavailable, "nats_unavailable"}, {Code::unavailable, "index_behind"}};
  return command;
}

}  // namespace

void add_room_admin_commands(CommandTable& table, Services& services) {
  auto all = admin_command("admin.rooms", "GET", "/admin/rooms", services, list);
  all.summary = "Rooms with their members";
  all.description = "`members` are the followers of the coordinator that is asked.";
  all.query = {{"limit", "1 to 1000; 100 when not given"},
               {"offset", "so many are left out first"},
               {"storage", "where they are kept: `nats`, or nothing is listed"}};
  all.answers = {{200, "Rooms by name.", R"({"type":"object","properties":{
    "rooms":{"type":"array","items":{"type":"object","properties":{"id":{"type":"string"},
     "members":{"type":"integer"},"createdAt":{"type":"string"},"lastActivity":{"type":"string"},
     "storage":{"type":"string"},"hasData":{"type":"boolean"}}}},
    "total":{"type":"integer"},"limit":{"type":"integer"},"offset":{"type":"integer"}}})"}};
  all.errors.push_back({Code::bad_request, "bad_parameter"});
  table.push_back(std::move(all));
  auto clean =
      admin_command("admin.rooms.cleanup", "POST", "/admin/rooms/cleanup", services, clean_up);
  clean.summary = "Delete rooms that were made more than an hour ago and never used";
  clean.answers = {{200, "Done.", R"({"type":"object","properties":{
    "success":{"type":"boolean"},"cleaned":{"type":"integer"},"remaining":{"type":"integer"},
    "timestamp":{"type":"string","format":"date-time"}}})"}};
  table.push_back(std::move(clean));
}

}  // namespace weir::api
