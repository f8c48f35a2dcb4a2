// TlsServer: the server's side of TLS: its certificate, its key and the authorities of its clients,
// read from PEM files and read again when they were replaced. Connections keep what they began
// with. TLS 1.2 and 1.3; no renegotiation.
//
// Lifecycle: load(), then as long as anybody holds it. Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "pkg/base/clock.hpp"
#include "pkg/base/result.hpp"

struct ssl_ctx_st;
struct ssl_st;

namespace weir::http {

struct TlsFiles {
  std::string certificate;     // with the chain up to, not including, the authority
  std::string key;             // without a pass phrase
  std::string client_ca = {};  // set: only clients with a certificate of these authorities
};

class TlsServer {
 public:
  // Error: invalid / bad_http_tls, with the file and what OpenSSL says of it.
  static Result<std::shared_ptr<TlsServer>> load(TlsFiles files);

  // Reads the files again, for connections from now on. After an error what was there before is
  // still used. Errors as of load().
  Result<void> reload();
  // The same when a file is not the one that was looked at last; true when it was read.
  Result<bool> reload_if_changed();

  Timestamp expires_at() const;  // of the certificate

  // The state of one connection; a new reference, SSL_free() ends it.
  ssl_st* open() const;

 private:
  struct ContextFree {
    void operator()(ssl_ctx_st* context) const;
  };
  using Context = std::unique_ptr<ssl_ctx_st, ContextFree>;

  explicit TlsServer(TlsFiles files) : files_(std::move(files)) {}
  static Result<Context> make_context(const TlsFiles& files);
  std::string fingerprint() const;

  const TlsFiles files_;
  mutable std::mutex mutex_;
  Context context_;   // under mutex
  std::string seen_;  // under mutex: fingerprint of the files when they were last read
};

}  // namespace weir::http
