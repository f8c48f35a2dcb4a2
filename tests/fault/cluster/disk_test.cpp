// The disk of one of two coordinators is full: it says so and refuses, the other goes on, nothing
// is lost, and it goes on itself when there is room again. The disk is a small tmpfs in a mount
// namespace of the coordinator's own, which this test reaches through /proc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "tests/fault/cluster/traffic.hpp"
#include "tests/support/child.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/support/wait.hpp"
#include "tests/support/weir_server.hpp"

namespace weir::test {
namespace {

using testing::IsEmpty;

// Mounts the disk, then runs the rest of the arguments.
const std::vector<std::string> kOnSmallDisk = {
    "unshare",
    "--user",
    "--map-root-user",
    "--mount",
    "sh",
    "-c",
    "mkdir -p \"$0\" && mount -t tmpfs -o size=12m none \"$0\" && exec \"$@\""};

bool may_mount() {
  const TempDir directory;
  std::vector<std::string> command = kOnSmallDisk;
  command.insert(command.end(), {directory.file("disk"), "true"});
  return run({.argv = command}).code == 0;
}

TEST(Disk, OfOneCoordinatorIsFull) {
  if (!may_mount()) GTEST_SKIP() << "this machine allows no mount in a user namespace";
  NatsServer nats;
  nats.start();
  const TempDir directory;
  const std::string disk = directory.file("disk");
  auto under = kOnSmallDisk;
  under.push_back(disk);
  WeirServer roomy({.nats_url = nats.url()});
  WeirServer small({.key = roomy.key(),
                    .nats_url = nats.url(),
                    .flags = {"--data-dir", disk + "/data"},
                    .under = under});
  roomy.start();
  small.start();
  const std::string seen = "/proc/" + std::to_string(small.pid()) + "/root" + disk;
  ASSERT_TRUE(std::filesystem::exists(seen + "/data"));

  Traffic traffic({small.port(), roomy.port()}, roomy.key(), {});
  ASSERT_TRUE(wait_until([&] { return traffic.completed() > 100; }));
  {
    std::ofstream filler(seen + "/filler");
    const std::string block(4'096, 'x');
    while (filler.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }
  const auto ready = [&] { return small.anonymous().get("/ready").status; };
  EXPECT_TRUE(wait_until([&] { return ready() != 200; })) << "it noticed";
  const auto before = traffic.completed();
  EXPECT_TRUE(wait_until([&] { return traffic.completed() > before + 100; }));
  std::filesystem::remove(seen + "/filler");
  EXPECT_TRUE(wait_until([&] { return ready() == 200; })) << small.log();
  EXPECT_TRUE(traffic.finish(std::chrono::seconds(20)));
  EXPECT_THAT(traffic.judge(), IsEmpty());
  std::printf("%zu jobs, %zu calls, %zu failed\n", traffic.accepted(), traffic.calls(),
              traffic.failed_calls());
}

}  // namespace
}  // namespace weir::test
