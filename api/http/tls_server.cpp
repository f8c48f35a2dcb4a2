#include "api/http/tls_server.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include <ctime>

#include "pkg/base/assert.hpp"

namespace weir::http {
namespace {

constexpr unsigned char kSessionContext[] = "weir";

// What OpenSSL put down last; the reasons further up are consequences of the first.
std::string ssl_reason() {
  const unsigned long code = ERR_peek_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return reason == nullptr ? "not usable" : reason;
}

Error unusable(std::string_view what, const std::string& file) {
  return Error{Code::invalid, "bad_http_tls",
               "The server's TLS cannot use the " + std::string(what), file + ": " + ssl_reason()};
}

// No pass phrase is asked for on a terminal: such a key is refused.
int no_pass_phrase(char*, int, int, void*) {
  return -1;
}

std::string look_of(const std::string& file) {
  struct stat look {};
  if (file.empty() || ::stat(file.c_str(), &look) != 0) return "-";
  return std::to_string(look.st_ino) + "." + std::to_string(look.st_size) + "." +
         std::to_string(look.st_mtim.tv_sec) + "." + std::to_string(look.st_mtim.tv_nsec);
}

// The client authorities: what their certificates are checked with, and named to them.
bool demand_clients(SSL_CTX* context, const std::string& file) {
  auto* names = SSL_load_client_CA_file(file.c_str());
  if (names == nullptr) return false;
  SSL_CTX_set_client_CA_list(context, names);
  if (SSL_CTX_load_verify_file(context, file.c_str()) != 1) return false;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return true;
}

}  // namespace

void TlsServer::ContextFree::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

Result<TlsServer::Context> TlsServer::make_context(const TlsFiles& files) {
  ERR_clear_error();
  Context made(SSL_CTX_new(TLS_server_method()));
  WEIR_ASSERT(made);
  SSL_CTX* context = made.get();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_id_context(context, kSessionContext, sizeof kSessionContext - 1);
  SSL_CTX_set_default_passwd_cb(context, no_pass_phrase);
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1) {
    return unusable("certificate", files.certificate);
  }
  if (SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    return unusable("key", files.key);
  }
  if (!files.client_ca.empty() && !demand_clients(context, files.client_ca)) {
    return unusable("authorities of clients", files.client_ca);
  }
  ERR_clear_error();
  return made;
}

std::string TlsServer::fingerprint() const {
  return look_of(files_.certificate) + " " + look_of(files_.key) + " " + look_of(files_.client_ca);
}

Result<std::shared_ptr<TlsServer>> TlsServer::load(TlsFiles files) {
  std::shared_ptr<TlsServer> made(new TlsServer(std::move(files)));
  WEIR_TRY(made->reload());
  return made;
}

Result<void> TlsServer::reload() {
  // Looked at before they are read: a change in between is then read once more.
  auto look = fingerprint();
  auto context = make_context(files_);
  const std::lock_guard lock(mutex_);
  seen_ = std::move(look);
  if (!context) return std::move(context).error();
  std::swap(context_, *context);
  return {};
}

Result<bool> TlsServer::reload_if_changed() {
  {
    const auto look = fingerprint();
    const std::lock_guard lock(mutex_);
    if (look == seen_) return false;
  }
  WEIR_TRY(reload());
  return true;
}

Timestamp TlsServer::expires_at() const {
  const std::lock_guard lock(mutex_);
  const X509* certificate = SSL_CTX_get0_certificate(context_.get());
  std::tm when{};
  if (certificate == nullptr || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &when) != 1)
    return {};
  return Timestamp{std::chrono::seconds(::timegm(&when))};
}

ssl_st* TlsServer::open() const {
  const std::lock_guard lock(mutex_);
  return SSL_new(context_.get());
}

}  // namespace weir::http
