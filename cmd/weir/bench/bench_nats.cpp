#include "cmd/weir/bench/bench_nats.hpp"

#include <algorithm>
#include <chrono>

#include "cmd/weir/bench/nats_wire.hpp"
#include "pkg/base/ids.hpp"
#include "pkg/config/loader.hpp"
#include "pkg/json/view.hpp"

namespace weir::cli {
namespace {

using SteadyClock = std::chrono::steady_clock;

double seconds_since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

Result<std::string> api(NatsWire& wire, const std::string& verb, const std::string& body) {
  WEIR_ASSIGN(auto answer, wire.request("$JS.API." + verb, body));
  const auto failed = json::check(answer) ? json::View(answer).find("error") : json::View();
  if (!failed.is_missing()) {
    return Error{Code::internal, "jetstream_error", "JetStream refused " + verb,
                 failed.find("description").as_string().value_or("")};
  }
  return answer;
}

// A work-queue stream for one run.
class Yardstick {
 public:
  Yardstick(NatsWire& wire, const YardstickPlan& plan) : wire_(wire), plan_(plan) {
    SystemRandom random;
    name_ = "BENCH_" + random_hex(random, 12);
    subject_ = "bench." + name_;
    inbox_ = "_INBOX." + name_;
  }

  Result<void> create() {
    WEIR_TRY(api(wire_, "STREAM.CREATE." + name_,
                 R"({"name":")" + name_ + R"(","subjects":[")" + subject_ +
                     R"("],"retention":"workqueue","storage":"file","num_replicas":1,)"
                     R"("max_consumers":-1,"max_msgs":-1,"max_bytes":-1,"max_age":0,)"
                     R"("max_msg_size":-1,"discard":"old"})"));
    WEIR_TRY(api(wire_, "CONSUMER.DURABLE.CREATE." + name_ + ".bench",
                 R"({"stream_name":")" + name_ +
                     R"(","config":{"durable_name":"bench","ack_policy":"explicit",)"
                     R"("deliver_policy":"all","replay_policy":"instant","ack_wait":60000000000,)"
                     R"("max_ack_pending":100000}})"));
    return wire_.subscribe(inbox_, 2);
  }

  Result<void> remove() {
    WEIR_TRY(api(wire_, "STREAM.DELETE." + name_, ""));
    return {};
  }

  Result<void> publish_all() {
    const std::string payload(plan_.payload_bytes, 'x');
    std::size_t sent = 0;
    for (std::size_t acknowledged = 0; acknowledged < plan_.messages; ++acknowledged) {
      for (; sent < plan_.messages && sent - acknowledged < plan_.window; ++sent) {
        WEIR_TRY(wire_.publish(subject_, inbox_, payload));
      }
      WEIR_ASSIGN(const auto ack, wire_.next());
      if (ack.data.find("\"seq\"") == std::string_view::npos) {
        return Error{Code::internal, "jetstream_error", "a publish was refused",
                     std::string(ack.data.empty() ? ack.head : ack.data)};
      }
    }
    return {};
  }

  // Two pulls are kept open, so that the server never waits for the next.
  Result<void> fetch_all() {
    std::size_t got = 0;
    std::size_t asked = 0;
    while (got < plan_.messages) {
      while (asked < plan_.messages && asked - got <= plan_.fetch) {
        const auto batch = std::min(plan_.fetch, plan_.messages - asked);
        WEIR_TRY(
            wire_.publish("$JS.API.CONSUMER.MSG.NEXT." + name_ + ".bench", inbox_,
                          R"({"batch":)" + std::to_string(batch) + R"(,"expires":30000000000})"));
        asked += batch;
      }
      WEIR_ASSIGN(const auto message, wire_.next());
      if (message.reply.empty()) {
        return Error{Code::internal, "jetstream_error", "a pull ended early",
                     std::string(message.head)};
      }
      WEIR_TRY(wire_.publish(message.reply, "", "+ACK"));
      ++got;
    }
    return check_empty();
  }

 private:
  // Acknowledged messages leave a work queue: none may be left.
  Result<void> check_empty() {
    const auto give_up = SteadyClock::now() + std::chrono::seconds(10);
    std::int64_t left = -1;
    while (left != 0 && SteadyClock::now() < give_up) {
      WEIR_ASSIGN(const auto info, api(wire_, "STREAM.INFO." + name_, ""));
      left = json::View(info).find("state").find("messages").as_int().value_or(-1);
    }
    if (left == 0) return {};
    return Error{Code::internal, "bench_wrong_count",
                 std::to_string(left) + " messages of the yardstick were left over", ""};
  }

  NatsWire& wire_;
  const YardstickPlan& plan_;
  std::string name_;
  std::string subject_;
  std::string inbox_;
};

}  // namespace

Result<NatsTarget> nats_target(const std::string& url) {
  constexpr std::string_view kScheme = "nats://";
  const Error bad{Code::invalid, "bad_nats_url", "want nats://[USER:PASSWORD@]HOST[:PORT]", ""};
  if (!url.starts_with(kScheme)) return bad;
  std::string rest = url.substr(kScheme.size());
  rest.erase(std::min(rest.find(','), rest.size()));
  NatsTarget out;
  if (const auto sign = rest.rfind('@'); sign != std::string::npos) {
    const auto who = rest.substr(0, sign);
    const auto colon = who.find(':');
    if (colon == std::string::npos) {
      out.token = who;
    } else {
      out.user = who.substr(0, colon);
      out.password = who.substr(colon + 1);
    }
    rest.erase(0, sign + 1);
  }
  if (rest.find(':') == std::string::npos) rest += ":4222";
  const auto address = config::parse_address(rest);
  if (!address) return bad;
  out.host = address->host;
  out.port = address->port;
  return out;
}

Result<NatsTarget> embedded_nats_target(const std::string& data_dir) {
  const std::string path = data_dir + "/nats/client.json";
  const auto content = config::load_file(path);
  if (!content || !json::check(*content)) {
    return Error{Code::not_found, "no_embedded_nats", "no embedded NATS in " + data_dir,
                 "--nats-url names a NATS for the yardstick"};
  }
  const json::View fields(*content);
  WEIR_ASSIGN(auto out, nats_target(fields.find("url").as_string().value_or("")));
  out.user = fields.find("user").as_string().value_or("");
  out.password = fields.find("password").as_string().value_or("");
  return out;
}

Result<YardstickResult> bench_yardstick(const YardstickPlan& plan) {
  WEIR_ASSIGN(const auto wire, NatsWire::connect(plan.target));
  Yardstick yardstick(*wire, plan);
  WEIR_TRY(yardstick.create());
  const auto start = SteadyClock::now();
  auto done = yardstick.publish_all();
  const double publish_s = seconds_since(start);
  const auto middle = SteadyClock::now();
  if (done) done = yardstick.fetch_all();
  const double fetch_s = seconds_since(middle);
  const auto removed = yardstick.remove();
  if (!done) return done.error();
  if (!removed) return removed.error();
  const auto count = static_cast<double>(plan.messages);
  return YardstickResult{count / publish_s, count / fetch_s, count / (publish_s + fetch_s),
                         wire->server_version()};
}

}  // namespace weir::cli
