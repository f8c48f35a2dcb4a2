// What the tests of pkg/nats share: a server of one version, and connections to it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "pkg/json/view.hpp"
#include "pkg/nats/connection.hpp"
#include "pkg/nats/jetstream.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/support/wait.hpp"

namespace weir::nats {

using namespace std::chrono_literals;
using test::wait_until;

inline std::shared_ptr<Connection> connect(const ConnectOptions& options) {
  auto connection = Connection::open(options);
  EXPECT_TRUE(connection) << describe(connection.error());
  return connection ? *connection : nullptr;
}

// A server of the version of the test.
class OnEveryServer : public testing::TestWithParam<std::string> {
 protected:
  void start(const std::string& config = "") {
    server_ = std::make_unique<test::NatsServer>(GetParam(), config);
    server_->start();
  }
  ConnectOptions options() const {
    ConnectOptions out;
    out.urls = {server_->url()};
    return out;
  }
  std::shared_ptr<Connection> connected() const {
    auto connection = connect(options());
    EXPECT_TRUE(connection->wait_connected(20s)) << connection->last_problem();
    return connection;
  }
  bool at_least(int major, int minor) const {
    return test::nats_server_version(GetParam()) >= test::NatsVersion{major, minor, 0};
  }

  // A server answers before the files of a deleted stream are gone, and one of the same name that
  // is made meanwhile may begin with its messages.
  bool wait_removed(const std::string& stream) const {
    return wait_until([&] {
      std::error_code problem;
      auto each = std::filesystem::recursive_directory_iterator(server_->folder(), problem);
      for (; !problem && each != std::filesystem::recursive_directory_iterator();
           each.increment(problem)) {
        if (each->path().filename() == stream) return false;
      }
      return !problem;
    });
  }

  std::unique_ptr<test::NatsServer> server_;
};

#define WEIR_ON_EVERY_SERVER(suite)                                                          \
  INSTANTIATE_TEST_SUITE_P(Versions, suite, testing::ValuesIn(test::nats_server_programs()), \
                           test::version_name)

}  // namespace weir::nats
