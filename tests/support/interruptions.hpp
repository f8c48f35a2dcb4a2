// What happens between the rounds of a test of followers: after the first one the coordinator stops
// and starts, after the second NATS does.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "tests/support/nats_server.hpp"
#include "tests/support/wait.hpp"
#include "tests/support/weir_server.hpp"

namespace weir::test {

// `probe` is a path that answers 200 when all is well again.
inline void interrupt_after(int round, WeirServer& server, NatsServer& nats,
                            const std::string& probe) {
  if (round == 0) {
    EXPECT_EQ(server.stop(), 0) << server.log();
    server.start();
  }
  if (round == 1) {
    nats.stop();
    nats.start();
    EXPECT_TRUE(wait_until([&] { return server.client().get(probe).status == 200; }));
  }
}

}  // namespace weir::test
