#include "tests/unit/api/api_fixture.hpp"

#include <thread>

#include "api/core/bootstrap.hpp"
#include "api/http/websocket.hpp"
#include "pkg/rooms/rooms.hpp"

namespace weir::api {
namespace {

using Params = std::vector<std::pair<std::string, std::string>>;

std::vector<std::string> segments(std::string_view path) {
  std::vector<std::string> out;
  while (!path.empty()) {
    const auto end = std::min(path.find('/', 1), path.size());
    out.emplace_back(path.substr(1, end - 1));
    path.remove_prefix(end);
  }
  return out;
}

bool matches(const std::string& pattern, const std::string& path, Params& params) {
  const auto wanted = segments(pattern);
  const auto given = segments(path);
  if (wanted.size() != given.size()) return false;
  params.clear();
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].starts_with("{")) {
      params.emplace_back(wanted[i].substr(1, wanted[i].size() - 2), given[i]);
    } else if (wanted[i] != given[i]) {
      return false;
    }
  }
  return true;
}

void parse_query(const std::string& query, http::Request& request) {
  std::size_t begin = 0;
  while (begin < query.size()) {
    const auto end = std::min(query.find('&', begin), query.size());
    const std::string pair = query.substr(begin, end - begin);
    const auto equals = std::min(pair.find('='), pair.size());
    request.query.emplace_back(pair.substr(0, equals),
                               equals < pair.size() ? pair.substr(equals + 1) : "");
    begin = end + 1;
  }
}

}  // namespace

void Client::send(http::Response response) {
  const std::lock_guard lock(mutex_);
  if (!response_) response_ = std::move(response);
  closed_ = nullptr;
  changed_.notify_all();
}

void Client::open_stream(http::StreamStart start) {
  {
    const std::lock_guard lock(mutex_);
    stream_ = start.queue;
  }
  send({.body = "", .content_type = start.content_type, .headers = start.headers});
}

void Client::open_socket(http::WebSocketStart start) {
  start.state->queue.abandon();
  send({.status = 101, .body = ""});
}

std::string Client::streamed() {
  const std::lock_guard lock(mutex_);
  if (stream_) {
    const auto batch = stream_->take(1U << 30U);
    for (const auto& frame : batch.frames) streamed_ += *frame;
    stream_ended_ = stream_ended_ || batch.ended;
  }
  return streamed_;
}

bool Client::stream_ended() {
  streamed();
  const std::lock_guard lock(mutex_);
  return stream_ended_;
}

void Client::on_closed(std::function<void()> closed) {
  const std::lock_guard lock(mutex_);
  if (!response_) closed_ = std::move(closed);
}

bool Client::answered() const {
  const std::lock_guard lock(mutex_);
  return response_.has_value();
}

const http::Response& Client::wait() {
  std::unique_lock lock(mutex_);
  static const http::Response kNone{.status = 0, .body = "{\"reason\":\"no answer\"}"};
  if (!changed_.wait_for(lock, std::chrono::seconds(20), [&] { return response_.has_value(); })) {
    ADD_FAILURE() << "no answer";
    return kNone;
  }
  return *response_;
}

Json Client::body() {
  const auto& text = wait().body;
  auto parsed = Json::parse(text, nullptr, false);
  EXPECT_FALSE(parsed.is_discarded()) << text;
  return parsed;
}

std::string Client::header(const std::string& name) {
  for (const auto& [key, value] : wait().headers) {
    if (key == name) return value;
  }
  return "";
}

void Client::hang_up() {
  std::function<void()> closed;
  std::shared_ptr<http::SubscriberQueue> stream;
  {
    const std::lock_guard lock(mutex_);
    stream = stream_;
    closed = std::move(closed_);
    closed_ = nullptr;
  }
  if (closed) closed();
  if (stream) stream->abandon();
}

void ApiTest::SetUp() {
  instance_ = std::make_unique<TestInstance>(
      clock_, std::vector<replica::StateMachine*>{&keys_, &machine_, &audit_});
  nats::ConnectOptions nowhere;
  nowhere.urls = {"nats://127.0.0.1:1"};
  auto connection = nats::Connection::open(nowhere);
  ASSERT_TRUE(connection);
  kv_ = std::make_unique<kv::Service>(*connection, clock_, kv::Service::Options{});
  streams_ = std::make_unique<streams::Service>(*connection);
  tails_ = std::make_unique<streams::Tails>(streams_->jetstream(), clock_);
  rooms_ = std::make_unique<rooms::Rooms>(*connection, clock_, random_, rooms::Rooms::Options{});
  probe_.facts.fresh = true;
  probe_.facts.taken_at = clock_.wall();
  make_api({});
  const auto made = ensure_admin_key(*instance_, random_, std::nullopt, Millis{1000});
  ASSERT_TRUE(made);
  ASSERT_TRUE(made->has_value());
  admin_ = **made;
}

void ApiTest::TearDown() {
  if (api_) api_->stop();
}

void ApiTest::make_api(const ApiOptions& options) {
  if (api_) api_->stop();
  nats::ConnectOptions nowhere;
  nowhere.urls = {"nats://127.0.0.1:1"};
  auto connection = nats::Connection::open(nowhere);
  ASSERT_TRUE(connection);
  api_.reset();
  pubsub_ = std::make_unique<pubsub::Hub>(*connection, clock_, random_);
  api_ = std::make_unique<Api>(ApiParts{.instance = *instance_,
                                        .keys = keys_,
                                        .job_stats = machine_.stats(),
                                        .probe = probe_,
                                        .kv = *kv_,
                                        .rooms = *rooms_,
                                        .streams = *streams_,
                                        .tails = *tails_,
                                        .clock = clock_,
                                        .random = random_,
                                        .metrics = registry_,
                                        .pubsub = *pubsub_,
                                        .payload_keys = payload_keys_.get(),
                                        .blobs = blobs_.get()},
                               options);
  ASSERT_TRUE(api_->start());
  routes_ = api_->routes();
}

std::shared_ptr<Client> ApiTest::ask(const std::string& method, const std::string& target,
                                     const std::string& body, Headers headers) {
  auto request = std::make_shared<http::Request>();
  const auto question = std::min(target.find('?'), target.size());
  request->method = method;
  request->path = target.substr(0, question);
  if (question < target.size()) parse_query(target.substr(question + 1), *request);
  request->body = body;
  request->headers = std::move(headers);
  request->id = "req-1";
  if (request->header("authorization").empty() && request->header("x-api-key").empty()) {
    request->headers.emplace_back("authorization", "Bearer " + admin_);
  }
  if (request->header("content-type").empty()) {
    request->headers.emplace_back("content-type", "application/json");
  }
  auto client = std::make_shared<Client>();
  for (const auto& route : routes_) {
    if (route.method == method && matches(route.pattern, request->path, request->params)) {
      route.handler(request, http::Responder(client));
      return client;
    }
  }
  ADD_FAILURE() << "no route: " << method << " " << target;
  client->send({.status = 404, .body = "{}"});
  return client;
}

std::string ApiTest::make_key(const std::string& scopes, const std::string& extra) {
  const auto made = post("/v1/keys", R"({"name":"k","scopes":)" + scopes + extra + "}");
  EXPECT_EQ(made->status(), 201) << made->wait().body;
  return made->body().value("key", "");
}

std::string ApiTest::submit(const std::string& queue, const std::string& extra) {
  const auto made = post("/v1/jobs", R"({"queue":")" + queue + R"(","type":"t")" + extra + "}");
  EXPECT_EQ(made->status(), 201) << made->wait().body;
  return made->body().value("id", "");
}

Json ApiTest::lease(const std::string& queue, int max) {
  const auto leased = post("/v1/queues/" + queue + "/lease",
                           R"({"worker":"w1","max":)" + std::to_string(max) + "}");
  EXPECT_EQ(leased->status(), 200) << leased->wait().body;
  return leased->body().value("jobs", Json::array());
}

void ApiTest::expect_eventually(const std::function<bool()>& condition, const std::string& what) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << what;
    std::this_thread::yield();
  }
}

}  // namespace weir::api
