#include "pkg/nats/options.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "pkg/log/log.hpp"

namespace weir::nats {
namespace {

Result<void> check(natsStatus status, const char* option) {
  if (status == NATS_OK) return {};
  return Error{Code::invalid, "nats_options",
               std::string("The NATS option ") + option + " does not work",
               natsStatus_GetText(status)};
}

// nats.c reads credentials when it connects: a file that is not there would look like a server that
// does not answer.
Result<void> check_readable(const std::string& path, const char* option) {
  if (::access(path.c_str(), R_OK) == 0) return {};
  return Error{Code::invalid, "nats_options",
               std::string("The file of the NATS option ") + option + " cannot be read",
               path + ": " + std::strerror(errno)};
}

// The library's default prints to standard error. What matters reaches us through states and calls,
// but for a missing permission: the server tells that here, and the call only times out.
void on_error(natsConnection* connection, natsSubscription*, natsStatus status, void*) {
  const char* text = nullptr;
  if (status != NATS_NOT_PERMITTED) return;
  if (natsConnection_GetLastError(connection, &text) == NATS_OK || text == nullptr) text = "";
  log::warn("nats_not_permitted", {{"error", text}});
}

Result<void> set_credentials(natsOptions* raw, const ConnectOptions& options) {
  if (!options.user.empty()) {
    WEIR_TRY(check(natsOptions_SetUserInfo(raw, options.user.c_str(), options.password.c_str()),
                   "user"));
  }
  if (!options.token.empty())
    WEIR_TRY(check(natsOptions_SetToken(raw, options.token.c_str()), "token"));
  if (!options.creds_file.empty()) {
    WEIR_TRY(check_readable(options.creds_file, "creds_file"));
    WEIR_TRY(
        check(natsOptions_SetUserCredentialsFromFiles(raw, options.creds_file.c_str(), nullptr),
              "creds_file"));
  }
  if (!options.nkey_seed_file.empty()) {
    WEIR_TRY(check_readable(options.nkey_seed_file, "nkey_seed_file"));
    WEIR_TRY(check(natsOptions_SetNKeyFromSeed(raw, options.nkey_public.c_str(),
                                               options.nkey_seed_file.c_str()),
                   "nkey_seed_file"));
  }
  return {};
}

Result<void> set_tls(natsOptions* raw, const ConnectOptions& options) {
  bool wanted =
      options.tls.enabled || !options.tls.ca_file.empty() || !options.tls.cert_file.empty();
  // Before 3.13 nats.c does not turn TLS on for tls:// by itself.
  for (const auto& url : options.urls) wanted = wanted || url.starts_with("tls://");
  if (!wanted) return {};
  WEIR_TRY(check(natsOptions_SetSecure(raw, true), "tls"));
  if (!options.tls.ca_file.empty()) {
    WEIR_TRY(check_readable(options.tls.ca_file, "tls_ca"));
    WEIR_TRY(
        check(natsOptions_LoadCATrustedCertificates(raw, options.tls.ca_file.c_str()), "tls_ca"));
  }
  if (!options.tls.cert_file.empty()) {
    WEIR_TRY(check(natsOptions_LoadCertificatesChain(raw, options.tls.cert_file.c_str(),
                                                     options.tls.key_file.c_str()),
                   "tls_cert"));
  }
  if (options.tls.skip_verify) {
    WEIR_TRY(check(natsOptions_SkipServerVerification(raw, true), "tls_skip_verify"));
  }
  return {};
}

Result<void> set_behaviour(natsOptions* raw, const ConnectOptions& options,
                           const std::string& inbox_prefix) {
  WEIR_TRY(check(natsOptions_SetName(raw, options.name.c_str()), "name"));
  WEIR_TRY(check(natsOptions_SetMaxReconnect(raw, -1), "max_reconnect"));
  WEIR_TRY(check(natsOptions_SetReconnectWait(raw, 200), "reconnect_wait"));
  WEIR_TRY(check(natsOptions_SetReconnectJitter(raw, 100, 100), "reconnect_jitter"));
  // No buffer: a publish made while down fails at once instead of being sent later, stale.
  WEIR_TRY(check(natsOptions_SetReconnectBufSize(raw, 0), "reconnect_buffer"));
  WEIR_TRY(check(natsOptions_SetFailRequestsOnDisconnect(raw, true), "fail_requests"));
  WEIR_TRY(check(natsOptions_SetPingInterval(raw, options.ping_interval.count()), "ping_interval"));
  WEIR_TRY(check(natsOptions_SetMaxPingsOut(raw, 2), "max_pings_out"));
  WEIR_TRY(check(natsOptions_SetTimeout(raw, 2000), "timeout"));
  WEIR_TRY(check(natsOptions_SetWriteDeadline(raw, 2000), "write_deadline"));
  WEIR_TRY(check(natsOptions_SetSendAsap(raw, true), "send_asap"));
  WEIR_TRY(check(natsOptions_SetErrorHandler(raw, on_error, nullptr), "error_handler"));
  return check(natsOptions_SetCustomInboxPrefix(raw, inbox_prefix.c_str()), "inbox_prefix");
}

// nats.c takes its locks by trying 2,000 times first, which burns the time of whoever holds them
// when there are more threads than CPUs (a quarter of the CPU of a busy KV service on 2 of them).
void do_not_spin() {
  static const natsStatus opened = nats_Open(0);
  (void)opened;  // it is open already: nothing to do
}

}  // namespace

Result<OptionsPtr> make_options(const ConnectOptions& options, const std::string& inbox_prefix) {
  do_not_spin();
  natsOptions* created = nullptr;
  WEIR_TRY(check(natsOptions_Create(&created), "create"));
  OptionsPtr raw(created);
  std::vector<const char*> urls;
  for (const auto& url : options.urls) urls.push_back(url.c_str());
  if (urls.empty()) return Error{Code::invalid, "nats_options", "No NATS URL was given", ""};
  WEIR_TRY(check(natsOptions_SetServers(raw.get(), urls.data(), static_cast<int>(urls.size())),
                 "nats_url"));
  WEIR_TRY(set_behaviour(raw.get(), options, inbox_prefix));
  WEIR_TRY(set_credentials(raw.get(), options));
  WEIR_TRY(set_tls(raw.get(), options));
  return raw;
}

}  // namespace weir::nats
