#include "api/nats_commands.hpp"

#include <algorithm>

#include "pkg/json/writer.hpp"

namespace weir::api {
namespace {

constexpr std::size_t kThreads = 4;
constexpr std::size_t kMaxWaiting = 4096;
constexpr std::size_t kMaxWaitingBytes = 64U << 20U;
constexpr std::size_t kIdDigits = 22;
constexpr std::string_view kRequestIdHeader = "weir-request-id";
constexpr std::string_view kEmptyPayload = "{}";

std::string with_shard(std::string name, unsigned shard) {
  return shard == 0 ? name : name + "-" + std::to_string(shard);
}

nats::MicroService::Options options_of(const NatsCommands::Parts& parts,
                                       const std::string& prefix) {
  nats::MicroService::Options out{.name = with_shard("weir", parts.shard),
                                  .id = random_hex(parts.random, kIdDigits),
                                  .version = WEIR_VERSION,
                                  .description = "Commands of the Weir coordinator",
                                  .subject = prefix + ">",
                                  .endpoints = {}};
  for (const auto& command : parts.dispatcher.table()) {
    if (command.needs_session) continue;
    std::string name(command.name);
    std::ranges::replace(name, '.', '-');
    out.endpoints.push_back({.name = std::move(name),
                             .subject = prefix + std::string(command.name),
                             .metadata = {{"summary", std::string(command.summary)},
                                          {"scope", std::string(to_string(command.scope))}}});
  }
  return out;
}

void fail(nats::ServiceRequest& request, const Error& error) {
  const auto wire = rpc::to_wire(error);
  json::Writer out;
  out.begin_object().member("code", wire.code).member("message", wire.message);
  out.raw_member("details", wire.details).end_object();
  request.fail(wire.status, wire.message, out.str());
}

// As HTTP would have it, for those who know credentials.
http::Request to_http(const nats::Message& message) {
  http::Request out;
  out.remote_address = "nats";
  for (const auto& [name, value] : message.headers) {
    std::string lower = name;
    std::ranges::transform(lower, lower.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    out.headers.emplace_back(std::move(lower), value);
  }
  return out;
}

// The checked text of a payload; a message without a body has an empty one.
Result<std::shared_ptr<const std::string>> payload_of(const nats::Message& message) {
  auto text = std::make_shared<const std::string>(message.data.empty() ? std::string(kEmptyPayload)
                                                                       : message.data);
  WEIR_TRY(json::check(*text));
  if (json::View(*text).is_object()) return text;
  return Error{Code::invalid, "invalid_payload", "The payload is not an object.", ""};
}

}  // namespace

NatsCommands::NatsCommands(const Parts& parts)
    : parts_(parts),
      prefix_(with_shard("weir.cmd", parts.shard) + "."),
      workers_(kThreads),
      service_(parts.connection, parts.clock, options_of(parts, prefix_),
               [this](Request request) { take(std::move(request)); }) {}

Result<void> NatsCommands::start() {
  WEIR_TRY(workers_.start());
  return service_.start();
}

void NatsCommands::stop() {
  service_.stop();
  workers_.stop();
}

void NatsCommands::take(Request request) {
  const auto bytes = request->message().data.size();
  const std::shared_ptr<void> held(nullptr, [load = load_, bytes](void*) {
    --load->messages;
    load->bytes -= bytes;
  });
  const auto messages = ++load_->messages;
  const auto waiting = load_->bytes += bytes;
  if (messages > kMaxWaiting || waiting > kMaxWaitingBytes) {
    return fail(*request, {Code::too_many_requests, "too_many_pending",
                           "Too many commands wait for their answer.", "Ask again in a moment."});
  }
  const bool taken = workers_.run([this, request, held] { serve(request, held); });
  if (!taken) {
    fail(*request, {Code::unavailable, "shutting_down", "The server stops.", "Ask again."});
  }
}

void NatsCommands::serve(const Request& request, std::shared_ptr<void> held) {
  const auto& message = request->message();
  const auto asked = to_http(message);
  auto principal = parts_.gateway.authenticate(asked, false);
  if (!principal) return fail(*request, principal.error());
  const auto verdict = parts_.limits.of_key(**principal);
  if (verdict && !verdict->allowed) return fail(*request, rate_limit_exceeded(*verdict));
  const auto text = payload_of(message);
  if (!text) return fail(*request, text.error());
  const auto request_id = asked.header(kRequestIdHeader);
  if (request_id.size() > rpc::kMaxRequestIdBytes) {
    return fail(*request, {Code::bad_request, "invalid_frame", "The request id is too long.",
                           "at most " + std::to_string(rpc::kMaxRequestIdBytes) + " bytes"});
  }
  parts_.dispatcher.call(
      std::string_view(message.subject).substr(prefix_.size()), *text, json::View(**text),
      {.principal = std::move(*principal), .address = asked.remote_address},
      std::string(request_id), [request, held](const Result<std::string>& answer) {
        if (!answer) return fail(*request, answer.error());
        if (const auto sent = request->answer(*answer); !sent) fail(*request, sent.error());
      });
}

}  // namespace weir::api
