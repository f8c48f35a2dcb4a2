#include "pkg/crypto/certificate.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <ctime>
#include <memory>

namespace weir::crypto {

std::optional<Timestamp> certificate_end(const std::string& host, const std::string& port) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  SSL_CTX_free);
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> connection(BIO_new_ssl_connect(context.get()),
                                                                 BIO_free_all);
  SSL* ssl = nullptr;
  BIO_get_ssl(connection.get(), &ssl);
  const bool v6 = host.find(':') != std::string::npos;
  BIO_set_conn_hostname(connection.get(), (v6 ? "[" + host + "]" : host).c_str());
  BIO_set_conn_port(connection.get(), port.c_str());
  SSL_set_tlsext_host_name(ssl, host.c_str());
  BIO_do_connect(connection.get());  // may fail after it was shown: a server can ask for ours
  const std::unique_ptr<X509, decltype(&X509_free)> shown(SSL_get1_peer_certificate(ssl),
                                                          X509_free);
  ERR_clear_error();
  std::tm when{};
  if (!shown || ASN1_TIME_to_tm(X509_get0_notAfter(shown.get()), &when) != 1) return std::nullopt;
  return Timestamp{std::chrono::seconds(::timegm(&when))};
}

}  // namespace weir::crypto
