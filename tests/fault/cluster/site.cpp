#include "tests/fault/cluster/site.hpp"

#include "pkg/base/assert.hpp"
#include "pkg/json/view.hpp"
#include "pkg/nats/jetstream.hpp"
#include "tests/support/wait.hpp"

namespace weir::test {
namespace {

constexpr auto kLimit = std::chrono::seconds(60);

}  // namespace

Site::Site(std::size_t coordinators) {
  for (std::size_t i = 0; i < coordinators; ++i) {
    const std::string key = i == 0 ? "" : coordinators_.front()->key();
    coordinators_.push_back(
        std::make_unique<WeirServer>(WeirOptions{.key = key, .nats_url = nats_.urls()}));
  }
}

void Site::start() {
  nats_.start();
  nats::ConnectOptions options;
  for (std::size_t i = 0; i < NatsCluster::kNodes; ++i) options.urls.push_back(nats_.url(i));
  auto opened = nats::Connection::open(options);
  WEIR_ASSERT(opened);
  connection_ = *opened;
  for (auto& coordinator : coordinators_) coordinator->launch();
  WEIR_ASSERT(wait_whole());
}

bool Site::streams_whole() const {
  const auto info = nats::JetStream(connection_).stream_info("JOBS");
  return info && info->replicas_current == 3;
}

bool Site::wait_whole() {
  for (auto& coordinator : coordinators_) {
    if (!coordinator->wait_ready()) return false;
  }
  return wait_until([this] { return streams_whole() && leader().has_value(); }, kLimit);
}

std::optional<std::size_t> Site::find_log_leader() {
  const auto info = nats::JetStream(connection_).call("STREAM.INFO.JOBS", "");
  if (!info) return std::nullopt;
  const json::View view(*info);
  const auto name = view.find("cluster").find("leader").as_string().value_or("");
  if (name.size() != 2) return std::nullopt;
  return static_cast<std::size_t>(name.back() - '1');
}

std::size_t Site::log_leader() {
  std::optional<std::size_t> leader;
  WEIR_ASSERT(wait_until([&] { return (leader = find_log_leader()).has_value(); }, kLimit));
  return *leader;
}

std::optional<std::size_t> Site::leader() {
  for (std::size_t i = 0; i < coordinators_.size(); ++i) {
    HttpClient client(coordinators_[i]->port(), key(), std::chrono::seconds(1));
    if (client.get("/health").json().find("role").as_string() == "leader") return i;
  }
  return std::nullopt;
}

std::size_t Site::follower() {
  const auto leads = leader();
  WEIR_ASSERT(leads);
  return (*leads + 1) % coordinators_.size();
}

std::vector<std::uint16_t> Site::ports() const {
  std::vector<std::uint16_t> out;
  for (const auto& coordinator : coordinators_) out.push_back(coordinator->port());
  return out;
}

}  // namespace weir::test
