#include "pkg/nats/micro_service.hpp"

#include <algorithm>

#include "pkg/base/time_text.hpp"
#include "pkg/json/writer.hpp"
#include "pkg/log/log.hpp"

namespace weir::nats {
namespace {

using json::Writer;

constexpr std::string_view kDiscovery = "$SRV.";

std::uint64_t count(std::chrono::nanoseconds time) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(time.count(), 0));
}

void write_endpoint(Writer& out, const ServiceEndpoint& endpoint) {
  out.begin_object().member("name", endpoint.name).member("subject", endpoint.subject);
  out.member("queue_group", kQueueGroup);
}

void write_stats(Writer& out, const EndpointStats::Figures& figures) {
  const auto total = count(figures.processing);
  out.member("num_requests", figures.requests).member("num_errors", figures.errors);
  out.member("last_error", figures.last_error).member("processing_time", total);
  out.member("average_processing_time", figures.requests == 0 ? 0 : total / figures.requests);
}

}  // namespace

// --- stats ---------------------------------------------------------------------------------------

void EndpointStats::add(std::chrono::nanoseconds took) {
  const std::lock_guard lock(mutex_);
  ++figures_.requests;
  figures_.processing += took;
}

void EndpointStats::add_error(std::chrono::nanoseconds took, std::string text) {
  const std::lock_guard lock(mutex_);
  ++figures_.requests;
  ++figures_.errors;
  figures_.processing += took;
  figures_.last_error = std::move(text);
}

EndpointStats::Figures EndpointStats::figures() const {
  const std::lock_guard lock(mutex_);
  return figures_;
}

// --- requests ------------------------------------------------------------------------------------

ServiceRequest::ServiceRequest(std::shared_ptr<Connection> connection, const Clock& clock,
                               Message message, std::shared_ptr<EndpointStats> stats)
    : connection_(std::move(connection)),
      clock_(clock),
      message_(std::move(message)),
      stats_(std::move(stats)),
      began_(clock.mono()) {}

Result<void> ServiceRequest::answer(std::string_view data) {
  if (!message_.reply.empty()) WEIR_TRY(connection_->publish(message_.reply, "", data));
  if (stats_) stats_->add(clock_.mono() - began_);
  return {};
}

void ServiceRequest::fail(int code, std::string description, std::string_view data) {
  std::ranges::replace_if(
      description, [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
  if (stats_) {
    stats_->add_error(clock_.mono() - began_, std::to_string(code) + ":" + description);
  }
  if (message_.reply.empty()) return;
  const auto sent =
      connection_->publish(message_.reply, "", data,
                           {{std::string(kServiceErrorHeader), std::move(description)},
                            {std::string(kServiceErrorCodeHeader), std::to_string(code)}});
  if (!sent) log::warn("service_answer_lost", {{"error", describe(sent.error())}});
}

// --- the service ---------------------------------------------------------------------------------

MicroService::MicroService(std::shared_ptr<Connection> connection, const Clock& clock,
                           Options options, Handler handler)
    : connection_(std::move(connection)),
      clock_(clock),
      options_(std::move(options)),
      handler_(std::move(handler)) {
  for (const auto& endpoint : options_.endpoints) {
    stats_.emplace(endpoint.subject, std::make_shared<EndpointStats>());
  }
}

Result<void> MicroService::start() {
  const std::lock_guard lock(mutex_);
  if (requests_) return {};
  started_ = clock_.wall();
  // One subscription for all of them: each has a thread.
  WEIR_ASSIGN(discovery_, connection_->subscribe(std::string(kDiscovery) + ">",
                                                 [this](const Message& m) { discover(m); }));
  WEIR_ASSIGN(requests_, connection_->subscribe_queue(options_.subject, kQueueGroup,
                                                      [this](Message m) { heard(std::move(m)); }));
  return {};
}

void MicroService::stop() {
  std::unique_ptr<Subscription> discovery;
  std::unique_ptr<Subscription> requests;
  const std::lock_guard lock(mutex_);
  discovery.swap(discovery_);
  requests.swap(requests_);
}

void MicroService::heard(Message message) const {
  const auto found = stats_.find(message.subject);
  auto stats = found == stats_.end() ? nullptr : found->second;
  handler_(
      std::make_shared<ServiceRequest>(connection_, clock_, std::move(message), std::move(stats)));
}

// $SRV.<verb>, $SRV.<verb>.<name>, $SRV.<verb>.<name>.<id>.
void MicroService::discover(const Message& message) const {
  if (message.reply.empty() || !message.subject.starts_with(kDiscovery)) return;
  const auto rest = std::string_view(message.subject).substr(kDiscovery.size());
  const auto dot = rest.find('.');
  const auto verb = rest.substr(0, dot);
  const auto whom = dot == std::string_view::npos ? "" : rest.substr(dot + 1);
  if (!whom.empty() && whom != options_.name && whom != options_.name + "." + options_.id) return;
  const auto answer = describe(verb);
  if (answer.empty()) return;
  const auto sent = connection_->publish(message.reply, "", answer);
  if (!sent) log::warn("service_answer_lost", {{"error", weir::describe(sent.error())}});
}

std::string MicroService::describe(std::string_view verb) const {
  const bool info = verb == "INFO";
  const bool stats = verb == "STATS";
  if (!info && !stats && verb != "PING") return {};
  Writer out;
  out.begin_object().member("type", info    ? "io.nats.micro.v1.info_response"
                                    : stats ? "io.nats.micro.v1.stats_response"
                                            : "io.nats.micro.v1.ping_response");
  out.member("name", options_.name).member("id", options_.id).member("version", options_.version);
  out.key("metadata").begin_object().end_object();
  if (info) out.member("description", options_.description);
  if (stats) out.member("started", started_);
  if (!info && !stats) return out.end_object().take();
  out.key("endpoints").begin_array();
  for (const auto& endpoint : options_.endpoints) {
    write_endpoint(out, endpoint);
    if (stats) write_stats(out, stats_.find(endpoint.subject)->second->figures());
    if (info) {
      out.key("metadata").begin_object();
      for (const auto& [name, value] : endpoint.metadata) out.member(name, value);
      out.end_object();
    }
    out.end_object();
  }
  return out.end_array().end_object().take();
}

}  // namespace weir::nats
