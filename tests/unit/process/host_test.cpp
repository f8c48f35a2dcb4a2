#include "pkg/process/host.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/http_client.hpp"
#include "tests/support/temp_dir.hpp"

namespace weir::process {
namespace {

TEST(Host, FindsPrograms) {
  const auto shell = find_program("sh");
  ASSERT_TRUE(shell);
  EXPECT_TRUE(shell->ends_with("/sh"));
  EXPECT_FALSE(find_program("no-such-program-anywhere"));
}

TEST(Host, KnowsFreePorts) {
  const auto port = free_loopback_port();
  ASSERT_TRUE(port);
  EXPECT_GT(*port, 0);
  EXPECT_TRUE(is_port_free(*port));
}

TEST(Host, PrivateFilesAreReplacedAsAWhole) {
  const test::TempDir directory;
  const auto path = directory.file("secret");
  ASSERT_TRUE(write_private_file(path, "one"));
  ASSERT_TRUE(write_private_file(path, "two"));
  EXPECT_EQ(read_file(path), "two");
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory.path()),
                          std::filesystem::directory_iterator()),
            1)
      << "no temporary file is left";
}

TEST(Host, AFileThatCannotBeWrittenIsAnError) {
  const auto refused = write_private_file("/nowhere/secret", "text");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "file_not_written");
  EXPECT_EQ(refused.error().details.find("text"), std::string::npos);
  EXPECT_EQ(read_file("/nowhere/secret"), "");
}

}  // namespace
}  // namespace weir::process
