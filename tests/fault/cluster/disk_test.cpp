// The disk of one of two coordinators is full: it says so and refuses, the other goes on, nothing
// is lost, and it goes on itself when there is room again. The disk of NATS is full: submits and
// reports are kept. The disk is a small tmpfs in a mount namespace of its own, which this test
// reaches through /proc.
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

// Takes all the room there is.
void fill(const std::string& file) {
  std::ofstream filler(file);
  const std::string block(4'096, 'x');
  while (filler.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
  }
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
  fill(seen + "/filler");
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

// A disk in a namespace that outlives the servers which are started in it.
class SmallDisk {
 public:
  explicit SmallDisk(const std::string& folder) {
    auto command = kOnSmallDisk;
    command.insert(command.end(), {folder, "sleep", "600"});
    holder_ = std::make_unique<Child>(Command{.argv = command});
    seen_ = "/proc/" + std::to_string(holder_->pid()) + "/root" + folder;
  }
  // The folder as this test sees it, once it is there.
  const std::string& seen() const { return seen_; }
  bool wait_mounted() const {
    return wait_until([&] {
      std::error_code error;
      const auto space = std::filesystem::space(seen_, error);
      return !error && space.capacity == 12U << 20U;
    });
  }
  // A program that runs another one with the disk.
  std::string program(const std::string& path, const std::string& of) const {
    std::ofstream(path) << "#!/bin/sh\nexec nsenter --user --preserve-credentials --mount --target "
                        << holder_->pid() << " -- " << of << " \"$@\"\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path;
  }

 private:
  std::unique_ptr<Child> holder_;
  std::string seen_;
};

// nats-server that met a full disk stores nothing more until it is started again.
TEST(Disk, OfNatsIsFull) {
  if (!may_mount()) GTEST_SKIP() << "this machine allows no mount in a user namespace";
  const TempDir directory;
  const SmallDisk disk(directory.file("disk"));
  ASSERT_TRUE(disk.wait_mounted());
  NatsServer nats(disk.program(directory.file("nats"), newest_nats_server()),
                  "jetstream { store_dir: \"" + directory.file("disk") + "\" }");
  nats.start();
  WeirServer server({.nats_url = nats.url()});
  server.start();
  Traffic traffic({server.port()}, server.key(), {.limit = std::chrono::seconds(8)});
  ASSERT_TRUE(wait_until([&] { return traffic.completed() > 100; }));

  fill(disk.seen() + "/filler");
  const auto kept = [&] {
    const auto status = server.client().get("/health/status");
    return status.json().find("outbox").find("operations").as_int().value_or(0);
  };
  EXPECT_TRUE(wait_until([&] { return kept() > 5; })) << server.log();
  const auto accepted = traffic.accepted();
  EXPECT_TRUE(wait_until([&] { return traffic.accepted() > accepted + 20; })) << "submits go on";
  std::filesystem::remove(disk.seen() + "/filler");
  nats.kill();
  nats.start();
  EXPECT_TRUE(wait_until([&] { return kept() == 0; })) << server.log();
  EXPECT_TRUE(traffic.finish(std::chrono::seconds(20)));
  EXPECT_THAT(traffic.judge(), IsEmpty());
  std::printf("%zu jobs, %zu calls, %zu failed\n", traffic.accepted(), traffic.calls(),
              traffic.failed_calls());
}

}  // namespace
}  // namespace weir::test
