// ApiTest: a whole API on real state machines without a socket. ask() finds the route as the front
// does and returns the client's end of the request.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <nlohmann/json.hpp>

#include "api/api.hpp"
#include "api/http/event_stream.hpp"
#include "api/values/payload_keys.hpp"
#include "jobs/machine.hpp"
#include "pkg/auth/audit_machine.hpp"
#include "pkg/auth/key_machine.hpp"
#include "pkg/auth/key_text.hpp"
#include "pkg/rooms/rooms.hpp"
#include "pkg/streams/service.hpp"
#include "pkg/streams/tails.hpp"
#include "tests/unit/api/test_instance.hpp"

namespace weir::api {

using Json = nlohmann::json;
using Headers = std::vector<std::pair<std::string, std::string>>;

// The client's end of one request.
class Client final : public http::Responder::Sink {
 public:
  ~Client() override { hang_up(); }
  void send(http::Response response) override;
  void open_stream(http::StreamStart start) override;
  void open_socket(http::WebSocketStart start) override;
  void on_closed(std::function<void()> closed) override;

  bool answered() const;
  const http::Response& wait();  // fails the test after 20 seconds
  int status() { return wait().status; }
  Json body();
  std::string reason() { return body().value("reason", "no reason: " + wait().body); }
  std::string header(const std::string& name);
  // What an event stream has brought so far; empty when it is none.
  std::string streamed();
  bool stream_ended();
  void hang_up();  // the connection is gone

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<http::Response> response_;
  std::function<void()> closed_;
  std::shared_ptr<http::SubscriberQueue> stream_;
  std::string streamed_;
  bool stream_ended_ = false;
};

class FakeProbe final : public SystemProbe {
 public:
  SystemFacts refresh(Millis) override { return facts; }
  SystemFacts last_known() const override { return facts; }
  SystemFacts facts;
};

class ApiTest : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  void make_api(const ApiOptions& options);

  // Sends as the admin key unless `headers` has credentials of its own. Content-Type is JSON.
  std::shared_ptr<Client> ask(const std::string& method, const std::string& target,
                              const std::string& body = "", Headers headers = {});
  std::shared_ptr<Client> get(const std::string& target) { return ask("GET", target); }
  std::shared_ptr<Client> post(const std::string& target, const std::string& body = "{}") {
    return ask("POST", target, body);
  }
  // The text of a new key; `extra` continues the body: R"(,"queues":["a.*"])".
  std::string make_key(const std::string& scopes, const std::string& extra = "");
  Headers as(const std::string& key) { return {{"authorization", "Bearer " + key}}; }

  std::string submit(const std::string& queue, const std::string& extra = "");
  Json lease(const std::string& queue, int max = 1);
  void expect_eventually(const std::function<bool()>& condition, const std::string& what);

  SystemClock clock_;
  SystemRandom random_;
  auth::KeyMachine keys_;
  auth::AuditMachine audit_;
  jobs::Machine machine_;
  metrics::Registry registry_;
  FakeProbe probe_;
  std::unique_ptr<kv::Service> kv_;            // of a NATS that is away
  std::unique_ptr<streams::Service> streams_;  // of a NATS that is away
  std::unique_ptr<streams::Tails> tails_;      // the same
  std::unique_ptr<rooms::Rooms> rooms_;
  std::unique_ptr<TestInstance> instance_;
  std::unique_ptr<pubsub::Hub> pubsub_;        // of a NATS that is away
  std::unique_ptr<replica::BlobStore> blobs_;  // none unless a test makes them, and then the API
  std::unique_ptr<PayloadKeys> payload_keys_;  // none unless a test makes them, and then the API
  std::unique_ptr<Api> api_;
  std::vector<http::Route> routes_;
  std::string admin_;
};

}  // namespace weir::api
