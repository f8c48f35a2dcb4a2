// `weir doctor`: looks for what is wrong and says how to repair it.
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>

#include "cmd/weir/cli/commands.hpp"
#include "cmd/weir/doctor/doctor_checks.hpp"
#include "pkg/base/time_text.hpp"

namespace weir::cli {
namespace {

using Findings = std::vector<Finding>;

void append(Findings& to, Findings from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

// Only an admin key may see the keys; without one their age is not looked at.
void ask_keys(Client& client, Findings& out) {
  const auto keys = client.once({.path = "/v1/keys"});
  if (keys && keys->status == 200) {
    append(out, check_keys(Json::parse(keys->body, nullptr, false), SystemClock().wall()));
  } else {
    out.push_back({Severity::ok, "key age", "not shown to this key, its check is left out", ""});
  }
}

void ask_server(Client& client, Findings& out) {
  const SystemClock clock;
  const auto before = clock.wall();
  const auto health = client.once({.path = "/health"});
  const auto after = clock.wall();
  if (!health) {
    out.push_back({Severity::error, "server", health.error().message, health.error().details});
    return;
  }
  out.push_back({Severity::ok, "server", client.server() + " answers", ""});
  out.push_back(check_transport(client.server(), certificate_end(client.server()), after));
  const auto body = Json::parse(health->body, nullptr, false);
  if (const auto time = parse_rfc3339(field(body, "timestamp"))) {
    out.push_back(check_clock(*time, before, after));
  }
  if (field(body, "auth") == "off" || field(body, "dev_no_auth") == "true") {
    out.push_back({Severity::warning, "authentication", "is off (dev_no_auth)",
                   "start the server without --dev-no-auth outside of development"});
  }
  const auto status = client.once({.path = "/health/status"});
  if (!status) {
    out.push_back({Severity::error, "status", status.error().message, status.error().details});
    return;
  }
  if (status->status == 401 || status->status == 403) {
    const auto error = error_of(*status);
    out.push_back({Severity::error, "key", error.message,
                   status->status == 401 ? "set WEIR_API_KEY or --key-file"
                                         : "use a key with the scope health:read"});
    return;
  }
  const auto details = Json::parse(status->body, nullptr, false);
  if (!details.is_object() || !details.contains("components")) {
    out.push_back({Severity::error, "status",
                   "/health/status answered " + std::to_string(status->status),
                   "is it a Weir server?"});
    return;
  }
  out.push_back({Severity::ok, "key", "accepted", ""});
  append(out, check_health(details));
  out.push_back(check_fsync(details));
  append(out, check_streams(details));
  out.push_back(check_nats_clock(details));
  append(out, check_nats_version(field(details.value("nats", Json::object()), "version")));
  ask_keys(client, out);
}

void look_here(const std::string& folder, const std::string& payload_keys, Findings& out) {
  struct stat info {};
  if (::stat(folder.c_str(), &info) == 0) {
    out.push_back(check_disk(folder));
    append(out, check_permissions(folder));
  } else {
    out.push_back(
        {Severity::ok, "data folder", "no " + folder + " here, its checks are left out", ""});
  }
  const char* keys = std::getenv("WEIR_PAYLOAD_KEYS_FILE");
  if (!payload_keys.empty()) {
    out.push_back(check_payload_keys(payload_keys));
  } else if (keys != nullptr && *keys != '\0') {
    out.push_back(check_payload_keys(keys));
  }
  out.push_back(check_open_files());
}

void show(const Context& context, const Findings& findings) {
  if (context.json()) {
    Json out = Json::array();
    for (const auto& finding : findings) {
      out.push_back({{"severity", std::string(to_string(finding.severity))},
                     {"check", finding.check},
                     {"message", finding.message},
                     {"fix", finding.fix}});
    }
    print(pretty({{"findings", out}}));
    return;
  }
  std::string out;
  for (const auto& finding : findings) {
    const auto word = to_string(finding.severity);
    out += paint(word, status_colour(word), context.colours());
    out += std::string(9 - word.size(), ' ') + finding.check + ": " + printable(finding.message) +
           "\n";
    if (!finding.fix.empty()) out += "         fix: " + finding.fix + "\n";
  }
  print(out);
}

}  // namespace

int run_doctor(Args args) {
  const Usage usage{.command = "weir doctor",
                    .summary =
                        "Checks a server, its NATS and this machine, and says how to repair "
                        "what is wrong. Exit code 1 when something is.",
                    .options = {{"payload-keys-file", "FILE",
                                 "Look at these payload keys, too (default: "
                                 "WEIR_PAYLOAD_KEYS_FILE)"}},
                    .examples = {"weir doctor", "weir doctor --data-dir /var/lib/weir"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    Findings findings;
    ask_server(context.client(), findings);
    const char* variable = std::getenv("WEIR_DATA_DIR");
    look_here(parsed.text("data-dir", variable != nullptr ? variable : "./weir-data"),
              parsed.text("payload-keys-file"), findings);
    show(context, findings);
    const bool errors = std::ranges::any_of(
        findings, [](const Finding& finding) { return finding.severity == Severity::error; });
    return errors ? kFailed : kOk;
  });
}

}  // namespace weir::cli
