// An authority of our own and certificates of it, as PEM files in a folder of the test. Made by the
// openssl program.
#pragma once

#include <string>

#include "tests/support/temp_dir.hpp"

namespace weir::test {

class Authority {
 public:
  explicit Authority(const std::string& name = "Weir test authority");

  std::string file() const { return directory_.file("ca.pem"); }

  struct Certificate {
    std::string file;
    std::string key_file;
  };
  // For servers at `host` ("IP:127.0.0.1", "DNS:example.com") and for clients.
  Certificate issue(const std::string& name, const std::string& host) const;

 private:
  TempDir directory_;
};

}  // namespace weir::test
