#include "pkg/webhook/sender.hpp"

#include "pkg/webhook/exchange.hpp"

#include <netdb.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cstring>
#include <thread>

namespace weir::webhook {
namespace {

constexpr std::size_t kResolvers = 4;

struct Resolved {
  std::vector<tcp::endpoint> allowed;
  std::string error;       // why there is none
  bool forbidden = false;  // there were addresses, but none that may be used
};

IpAddress bytes_of(const asio::ip::address& address) {
  if (address.is_v6()) return address.to_v6().to_bytes();
  return asio::ip::make_address_v6(asio::ip::v4_mapped, address.to_v4()).to_bytes();
}

// Blocks as long as the system's resolver does.
Resolved resolve(const Target& target, const AddressPolicy& policy) {
  Resolved out;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const auto port = std::to_string(target.port);
  const int failure = ::getaddrinfo(target.host.c_str(), port.c_str(), &hints, &found);
  if (failure != 0) {
    out.error = "cannot resolve " + target.host + ": " + ::gai_strerror(failure);
    return out;
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, ::freeaddrinfo);
  for (const auto* each = found; each != nullptr; each = each->ai_next) {
    tcp::endpoint endpoint;
    if (each->ai_addrlen > endpoint.capacity()) continue;
    std::memcpy(endpoint.data(), each->ai_addr, each->ai_addrlen);
    endpoint.resize(each->ai_addrlen);
    if (policy.allows(bytes_of(endpoint.address()))) out.allowed.push_back(endpoint);
  }
  if (!out.allowed.empty()) return out;
  out.forbidden = true;
  out.error = "the address of " + target.host + " is not allowed";
  return out;
}

Result<void> load_authorities(asio::ssl::context& context, const std::string& file) {
  error_code error;
  if (file.empty()) {
    context.set_default_verify_paths(error);
  } else {
    context.load_verify_file(file, error);
  }
  if (!error) return {};
  return Error{Code::invalid, "bad_webhook_ca", "The authorities for webhooks cannot be read",
               file + ": " + error.message()};
}

}  // namespace

struct Sender::Impl {
  Impl(const SenderOptions& sender_options, const Clock& sender_clock)
      : options(sender_options), clock(sender_clock) {}

  template <class Stream, class... StreamArguments>
  void send(Post post, std::function<void(Outcome)> done, StreamArguments&&... stream) {
    const Target target = post.target;
    auto exchange = std::make_shared<Exchange<Stream>>(io, clock, std::move(post), std::move(done),
                                                       std::forward<StreamArguments>(stream)...);
    asio::post(io, [this, exchange, target] {
      exchange->begin(options.timeout, options.user_agent);
      asio::post(resolvers, [this, exchange, target] {
        auto resolved = resolve(target, options.policy);
        asio::post(io, [exchange, resolved = std::move(resolved)]() mutable {
          if (!resolved.allowed.empty()) return exchange->connect(std::move(resolved.allowed));
          exchange->end({.error = std::move(resolved.error), .final = resolved.forbidden});
        });
      });
    });
  }

  const SenderOptions options;
  const Clock& clock;
  asio::ssl::context tls{asio::ssl::context::tls_client};
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  asio::thread_pool resolvers{kResolvers};
  std::thread thread;
  std::atomic<bool> stopped{false};
};

Sender::Sender(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Sender::~Sender() {
  stop();
}

Result<std::unique_ptr<Sender>> Sender::make(const SenderOptions& options, const Clock& clock) {
  auto impl = std::make_unique<Impl>(options, clock);
  WEIR_TRY(load_authorities(impl->tls, options.ca_file));
  impl->tls.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                        asio::ssl::context::no_tlsv1_1);
  return std::unique_ptr<Sender>(new Sender(std::move(impl)));
}

Result<void> Sender::start() {
  if (!impl_->thread.joinable() && !impl_->stopped) {
    impl_->thread = std::thread([this] { impl_->io.run(); });
  }
  return {};
}

void Sender::stop() {
  if (impl_->stopped.exchange(true)) return;
  impl_->io.stop();
  if (impl_->thread.joinable()) impl_->thread.join();
  impl_->resolvers.stop();
  impl_->resolvers.join();
}

void Sender::send(Post post, std::function<void(Outcome)> done) {
  if (impl_->stopped) return;
  if (post.target.tls) {
    impl_->send<asio::ssl::stream<tcp::socket>>(std::move(post), std::move(done),
                                                tcp::socket(impl_->io), impl_->tls);
  } else {
    impl_->send<tcp::socket>(std::move(post), std::move(done), impl_->io);
  }
}

}  // namespace weir::webhook
