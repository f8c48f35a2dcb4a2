// The NATS servers that compose/nats describes, started as shipped.
#include <gtest/gtest.h>

#include "tests/support/http_client.hpp"
#include "tests/support/nats_cluster.hpp"
#include "tests/support/nats_server.hpp"

namespace weir::test {
namespace {

TEST(ShippedNats, ThreeNodesElectALeaderAndAgainWhenOneDies) {
  NatsCluster cluster;
  cluster.start();
  cluster.kill_node(0);
  EXPECT_TRUE(cluster.wait_leader());
  cluster.start_node(0);
  EXPECT_TRUE(cluster.wait_leader());
  EXPECT_NE(cluster.log(0).find("Starting JetStream cluster"), std::string::npos);
}

// Every server of WEIR_NATS_SERVERS runs here, keeps its port over a restart and its store too.
TEST(ShippedNats, EveryServerProgramStartsAgain) {
  for (const auto& program : nats_server_programs()) {
    SCOPED_TRACE(program);
    EXPECT_GE(nats_server_version(program), (NatsVersion{2, 9, 0}));
    NatsServer server(program);
    server.start();
    const auto port = server.port();
    EXPECT_TRUE(exchange_raw(port, "", Millis{200}).starts_with("INFO {"));
    server.stop();
    EXPECT_TRUE(exchange_raw(port, "", Millis{200}).empty());
    server.start();
    server.kill();
    server.start();
    EXPECT_EQ(server.port(), port);
    EXPECT_TRUE(exchange_raw(port, "", Millis{200}).starts_with("INFO {"));
  }
}

}  // namespace
}  // namespace weir::test
