// The audit log as an operator reads it.
#include <gtest/gtest.h>

#include "tests/support/weir_server.hpp"

namespace weir::test {
namespace {

TEST(Audit, ChangesAreThereAfterARestart) {
  WeirServer server;
  server.start();
  ASSERT_EQ(server.cli({"submit", "--queue", "mail", "1"}).code, 0);
  ASSERT_EQ(server.cli({"queue", "pause", "mail"}).code, 0);
  ASSERT_EQ(server.cli({"queue", "purge", "mail", "--yes"}).code, 0);
  ASSERT_NE(server.cli({"job", "cancel", "none"}).code, 0);
  server.kill();
  server.start();
  const auto listed = server.cli({"audit", "--json"});
  ASSERT_EQ(listed.code, 0) << listed.err;
  ASSERT_TRUE(json::check(listed.out));
  std::string seen;
  for (const auto record : json::View(listed.out).find("items").elements()) {
    EXPECT_EQ(record.find("from").as_string(), "127.0.0.1");
    EXPECT_FALSE(record.find("key_id").as_string().value_or("").empty());
    seen += record.find("action").as_string().value_or("") + " " +
            record.find("target").as_string().value_or("") + " " +
            record.find("outcome").as_string().value_or("") + "\n";
  }
  EXPECT_EQ(seen,
            "jobs.cancel none job_not_found\n"
            "queues.purge mail ok\n"
            "queues.pause mail ok\n");
  const auto table = server.cli({"audit", "--action", "queues"});
  EXPECT_NE(table.out.find("queues.pause"), std::string::npos) << table.out;
  EXPECT_EQ(table.out.find("jobs.cancel"), std::string::npos) << table.out;
}

}  // namespace
}  // namespace weir::test
