// `weir status`: the health of a server on one screen.
#include "cmd/weir/cli/commands.hpp"

namespace weir::cli {
namespace {

std::string components(const Json& body, bool colours) {
  Table table({"COMPONENT", "STATUS", "ERROR"});
  const auto all = body.value("components", Json::object());
  for (const auto& [name, component] : all.items()) {
    const auto status =
        component.is_string() ? component.get<std::string>() : field(component, "status");
    const auto error = field(component, "error");
    table.add({name, status, error == "-" ? "" : error}, status_colour(status));
  }
  return table.empty() ? "" : "\n" + table.render(colours, 1);
}

std::string jobs(const Json& body) {
  const auto counts = body.value("jobs", Json::object());
  std::vector<std::string> header;
  std::vector<std::string> row;
  for (const auto& [name, count] : counts.items()) {
    if (!count.is_number()) continue;
    header.push_back(name);
    row.push_back(human_count(count.get<std::int64_t>()));
  }
  if (header.empty()) return "";
  Table table(std::move(header));
  table.add(std::move(row));
  return "\n" + table.render(false);
}

std::string streams(const Json& body) {
  Table table({"STREAM", "MESSAGES", "SIZE", "CONSUMERS"});
  for (const auto& stream : body.value("streams", Json::array())) {
    table.add({field(stream, "name"), human_count(number(stream, "messages")),
               human_bytes(number(stream, "bytes")), field(stream, "consumers")});
  }
  std::string out = table.empty() ? "" : "\n" + table.render(false);
  Table buckets({"BUCKET", "KEYS", "SIZE"});
  for (const auto& bucket : body.value("kv_buckets", Json::array())) {
    buckets.add({field(bucket, "name"), human_count(number(bucket, "keys")),
                 human_bytes(number(bucket, "bytes"))});
  }
  return buckets.empty() ? out : out + "\n" + buckets.render(false);
}

std::string screen(const std::string& server, const Json& body, bool colours) {
  const auto status = field(body, "status");
  const auto nats = body.value("nats", Json::object());
  std::string out = server + "  " + paint(status, status_colour(status), colours) + "\n";
  out += "weir " + field(body, "version") + ", up " + field(body, "uptime") + "; nats " +
         field(nats, "version") + " at " + field(nats, "url") + "\n";
  if (const auto role = field(body.value("replica", Json::object()), "role"); role != "-") {
    out += "role " + role + "\n";
  }
  return out + components(body, colours) + jobs(body) + streams(body);
}

}  // namespace

int run_status(Args args) {
  const Usage usage{.command = "weir status",
                    .summary =
                        "Shows the health of a server. Exit code 0 when all is well, 1 when "
                        "it is degraded, 5 when it is unhealthy or away.",
                    .examples = {"weir status", "weir status --json | jq .jobs"}};
  return run_with_server(usage, args, [](const Parsed&, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto answer, context.client().once({.path = "/health/status"}));
    const auto body = Json::parse(answer.body, nullptr, false);
    const bool known = body.is_object() && body.contains("components");
    if (!known || (answer.status != 200 && answer.status != 503)) return error_of(answer);
    print(context.json() ? pretty(body)
                         : screen(context.client().server(), body, context.colours()));
    if (answer.status == 503) return kUnavailable;
    return field(body, "status") == "ok" ? kOk : kFailed;
  });
}

}  // namespace weir::cli
