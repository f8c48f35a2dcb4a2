#include "tests/support/certificates.hpp"

#include <cstdio>

#include "pkg/base/assert.hpp"
#include "tests/support/child.hpp"

namespace weir::test {
namespace {

void openssl(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "openssl");
  const auto finished = run({.argv = std::move(arguments)});
  if (finished.code != 0) std::fprintf(stderr, "%s\n", finished.err.c_str());
  WEIR_ASSERT(finished.code == 0);
}

}  // namespace

Authority::Authority(const std::string& name) {
  openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
           "-days", "2", "-subj", "/CN=" + name, "-keyout", directory_.file("ca.key"), "-out",
           file()});
}

Authority::Certificate Authority::issue(const std::string& name, const std::string& host) const {
  const Certificate out{directory_.file(name + ".pem"), directory_.file(name + ".key")};
  const auto request = directory_.file(name + ".csr");
  const auto extensions = directory_.file(name + ".ext");
  openssl({"req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
           "/CN=" + name, "-keyout", out.key_file, "-out", request});
  write_file(extensions, "subjectAltName=" + host + "\nextendedKeyUsage=serverAuth,clientAuth\n");
  openssl({"x509", "-req", "-days", "2", "-in", request, "-CA", file(), "-CAkey",
           directory_.file("ca.key"), "-CAcreateserial", "-extfile", extensions, "-out", out.file});
  return out;
}

}  // namespace weir::test
