#include "cmd/weir/cli/client.hpp"

#include <httplib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <nlohmann/json.hpp>
#include <thread>

namespace weir::cli {
namespace {

constexpr Millis kMaxBackoff{1000};

Code code_of(int status) {
  switch (status) {
    case 401:
      return Code::unauthenticated;
    case 403:
      return Code::forbidden;
    case 404:
      return Code::not_found;
    case 405:
      return Code::method_not_allowed;
    case 409:
      return Code::conflict;
    case 413:
      return Code::too_large;
    case 415:
      return Code::unsupported_media;
    case 422:
      return Code::invalid;
    case 429:
      return Code::too_many_requests;
    case 503:
      return Code::unavailable;
    case 504:
      return Code::deadline_exceeded;
    case 507:
      return Code::out_of_space;
    default:
      return status >= 500 ? Code::internal : Code::bad_request;
  }
}

// Retry-After in its form of whole seconds; at most an hour.
Millis seconds_of(const std::string& header) {
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(header.data(), header.data() + header.size(), seconds);
  if (error != std::errc{} || end != header.data() + header.size() || seconds < 0) return Millis{0};
  return std::chrono::seconds(std::min<std::int64_t>(seconds, 3600));
}

std::string member(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

void add_hint(Error& error) {
  if (error.code == Code::unauthenticated) {
    error.details += error.details.empty() ? "" : " ";
    error.details += "WEIR_API_KEY or --key-file sets the key";
  }
}

// What httplib says, told apart by what may have happened on the server.
enum class Failure : std::uint8_t { not_sent, unknown, tls };
Failure failure_of(httplib::Error error) {
  switch (error) {
    case httplib::Error::Connection:
    case httplib::Error::ConnectionTimeout:
    case httplib::Error::BindIPAddress:
      return Failure::not_sent;
    case httplib::Error::SSLConnection:
    case httplib::Error::SSLLoadingCerts:
    case httplib::Error::SSLServerVerification:
      return Failure::tls;
    default:
      return Failure::unknown;
  }
}

bool valid_url(std::string_view url) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (url.starts_with(scheme) && url.size() > scheme.size()) {
      return url.find_first_of("/?# @", scheme.size()) == std::string_view::npos;
    }
  }
  return false;
}

}  // namespace

struct Client::Http {
  Http(const std::string& server, const Options& options)
      : client(server, options.cert_file, options.cert_key_file) {
    client.set_keep_alive(true);
    client.set_tcp_nodelay(true);
    client.set_connection_timeout(std::chrono::seconds(5));
    client.set_write_timeout(std::chrono::seconds(30));
    if (!options.ca_file.empty()) client.set_ca_cert_path(options.ca_file.c_str());
  }
  httplib::Client client;
};

Result<std::unique_ptr<Client>> Client::make(Options options) {
  for (const auto& server : split_servers(options.server)) {
    if (valid_url(server)) continue;
    return Error{Code::invalid, "bad_server_url", "\"" + server + "\" is not a server URL",
                 "want http://HOST:PORT or https://HOST:PORT, or several of them with commas"};
  }
  if (options.key.find_first_of("\r\n") != std::string::npos) {
    return Error{Code::invalid, "bad_api_key", "the API key holds a line break", ""};
  }
  for (const auto& file : {options.ca_file, options.cert_file, options.cert_key_file}) {
    if (!file.empty() && ::access(file.c_str(), R_OK) != 0) {
      return Error{Code::invalid, "unreadable_file", "cannot read " + file, std::strerror(errno)};
    }
  }
  return std::unique_ptr<Client>(new Client(std::move(options)));
}

Client::Client(Options options)
    : options_(std::move(options)), servers_(split_servers(options_.server)) {
  for (const auto& server : servers_) http_.push_back(std::make_unique<Http>(server, options_));
}

Client::~Client() = default;

void Client::stop() {
  stopped_ = true;
  for (const auto& http : http_) http->client.stop();
}

Result<Answer> Client::once(const Call& call) {
  if (stopped_) return Error{Code::unavailable, "stopped", "stopped", ""};
  httplib::Request request;
  request.method = call.method;
  request.path = call.path;
  if (!options_.key.empty()) request.set_header("Authorization", "Bearer " + options_.key);
  request.set_header("User-Agent", "weir/" WEIR_VERSION);
  for (const auto& [name, value] : call.headers) request.set_header(name, value);
  if (!call.body.empty() || call.method == "POST" || call.method == "PUT") {
    request.set_header("Content-Type", call.content_type);
    request.body = call.body;
  }
  auto& client = http_[at_]->client;
  client.set_read_timeout(options_.timeout + call.wait);
  const auto result = client.send(request);
  if (!result) {
    auto error = lost_error(static_cast<int>(result.error()));
    go_on();
    return error;
  }
  if (result->status == 503) go_on();
  return Answer{result->status, result->body, result->get_header_value("Date"),
                seconds_of(result->get_header_value("Retry-After"))};
}

Result<int> Client::stream(const Call& call, const std::string& last_event_id,
                           const std::function<bool(std::string_view)>& receive) {
  httplib::Request request;
  request.method = "GET";
  request.path = call.path;
  if (!options_.key.empty()) request.set_header("Authorization", "Bearer " + options_.key);
  request.set_header("User-Agent", "weir/" WEIR_VERSION);
  request.set_header("Accept", "text/event-stream");
  if (!last_event_id.empty()) request.set_header("Last-Event-ID", last_event_id);
  Answer refused;
  bool enough = false;
  request.response_handler = [&](const httplib::Response& response) {
    refused.status = response.status;
    refused.retry_after = seconds_of(response.get_header_value("Retry-After"));
    if (response.status == 200) enough = !receive({});
    return !enough;
  };
  request.content_receiver = [&](const char* data, std::size_t size, std::uint64_t, std::uint64_t) {
    if (refused.status == 200) {
      enough = !receive({data, size});
    } else {
      refused.body.append(data, size);
    }
    return !stopped_ && !enough;
  };
  http_[at_]->client.set_read_timeout(call.wait);
  const auto result = http_[at_]->client.send(request);
  if (enough) return refused.status;
  if (!result) {
    auto error = lost_error(static_cast<int>(result.error()));
    go_on();
    return error;
  }
  if (result->status == 503) go_on();
  if (result->status != 200 && result->status != 204) return error_of(refused);
  return result->status;
}

Error Client::lost_error(int failure) const {
  if (stopped_) return Error{Code::unavailable, "stopped", "stopped", ""};
  switch (failure_of(static_cast<httplib::Error>(failure))) {
    case Failure::not_sent:
      return Error{Code::unavailable, "unreachable",
                   "cannot reach " + server() + ": is `weir serve` running?",
                   "--server or WEIR_URL names another address"};
    case Failure::tls:
      return Error{Code::unavailable, "tls_failed", "no TLS connection to " + server(),
                   "is it https, and is its authority known? --ca names one"};
    case Failure::unknown:
      break;
  }
  return Error{Code::deadline_exceeded, "outcome_unknown",
               "the connection to " + server() + " was lost before the answer came",
               "the request may have been carried out"};
}

// Waits before the next try. False when there is no time left for one.
bool Client::pause(MonoTime give_up, Millis asked, Millis& backoff) {
  const Millis wait = std::max(asked, backoff);
  backoff = std::min(backoff * 2, kMaxBackoff);
  const auto until = std::chrono::steady_clock::now() + wait;
  if (until >= give_up) return false;
  while (!stopped_ && std::chrono::steady_clock::now() < until) {
    const auto left = std::chrono::ceil<Millis>(until - std::chrono::steady_clock::now());
    std::this_thread::sleep_for(std::min(left, Millis{100}));
  }
  return !stopped_;
}

Result<Answer> Client::call(const Call& call) {
  const auto give_up = std::chrono::steady_clock::now() + options_.retry_for;
  Millis backoff = options_.first_backoff;
  for (std::size_t tries = 1;; ++tries) {
    auto answer = once(call);
    Error error;
    if (answer) {
      if (answer->status >= 200 && answer->status < 300) return answer;
      error = error_of(*answer);
    } else {
      error = std::move(answer).error();
    }
    const bool refused = error.reason == "unreachable" || error.code == Code::too_many_requests ||
                         (error.code == Code::unavailable && error.reason != "stopped" &&
                          error.reason != "tls_failed");
    const bool lost = error.code == Code::deadline_exceeded && call.repeat == Repeat::safe;
    if (!(refused || lost)) return error;
    const bool others = tries % servers_.size() != 0 && error.code != Code::too_many_requests;
    if (!others && !pause(give_up, error.retry_after, backoff)) return error;
  }
}

std::vector<std::string> split_servers(const std::string& text) {
  std::vector<std::string> servers;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    servers.push_back(text.substr(at, end - at));
    while (servers.back().ends_with('/')) servers.back().pop_back();
    at = end + 1;
  }
  return servers;
}

Error error_of(const Answer& answer) {
  Error error{code_of(answer.status), "http_" + std::to_string(answer.status),
              "the server answered " + std::to_string(answer.status), ""};
  const auto body = nlohmann::json::parse(answer.body, nullptr, false);
  if (body.is_object()) {
    if (const auto text = member(body, "error"); !text.empty()) error.message = text;
    // The command API tells its errors one level deeper.
    if (const auto inner = body.find("error"); inner != body.end() && inner->is_object()) {
      const auto details = inner->value("details", nlohmann::json::object());
      error.message = member(*inner, "message");
      if (const auto text = member(details, "reason"); !text.empty()) error.reason = text;
      error.details = member(details, "details");
      // Told as 503, yet what was asked for may have happened.
      if (error.reason == "nats_timeout") error.code = Code::deadline_exceeded;
    }
    if (const auto text = member(body, "reason"); !text.empty()) error.reason = text;
    if (const auto text = member(body, "details"); !text.empty()) error.details = text;
    const auto fields = body.find("fields");
    if (fields != body.end() && fields->is_array()) {
      for (const auto& item : *fields) {
        if (!item.is_object()) continue;
        error.fields.push_back({member(item, "field"), member(item, "message")});
      }
    }
  }
  error.retry_after = answer.retry_after;
  add_hint(error);
  return error;
}

std::string encode(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      out.append({'%', kHex[byte >> 4U], kHex[byte & 0xfU]});
    }
  }
  return out;
}

}  // namespace weir::cli
