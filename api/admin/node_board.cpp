#include "api/admin/node_board.hpp"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "pkg/base/time_text.hpp"
#include "pkg/json/view.hpp"
#include "pkg/json/writer.hpp"

namespace weir::api {
namespace {

std::string to_json(const NodeStatus& node) {
  json::Writer out;
  out.begin_object().member("id", node.id).member("state", node.state);
  out.member("leader", node.role == replica::Role::leader);
  out.member("applied", node.applied).member("log_last", node.log_last);
  out.member("lag_ms", std::int64_t{node.lag.count()}).member("seen", node.seen).end_object();
  return out.take();
}

std::optional<NodeStatus> from_json(std::string_view text) {
  if (!json::check(text)) return std::nullopt;
  const json::View view(text);
  const auto revision = [&](const char* name) {
    return static_cast<replica::Revision>(view.find(name).as_int().value_or(0));
  };
  NodeStatus node{.id = view.find("id").as_string().value_or(""),
                  .state = view.find("state").as_string().value_or("")};
  if (node.id.empty()) return std::nullopt;
  const bool leads = view.find("leader").as_bool().value_or(false);
  node.role = leads ? replica::Role::leader : replica::Role::follower;
  node.applied = revision("applied");
  node.log_last = revision("log_last");
  node.lag = Millis{view.find("lag_ms").as_int().value_or(0)};
  if (const auto seen = parse_rfc3339(view.find("seen").as_string().value_or(""))) {
    node.seen = *seen;
  }
  return node;
}

// Answers, by node: they may come after nobody waits any more.
struct Answers {
  std::mutex mutex;
  std::map<std::string, NodeStatus> nodes;
};

std::string handed_over(const std::string& id, const Result<void>& done) {
  json::Writer out;
  out.begin_object().member("id", id);
  if (!done) out.member("error", describe(done.error()));
  return out.end_object().take();
}

// The answer of the one that led.
struct HandedOver {
  std::mutex mutex;
  std::condition_variable heard;
  std::optional<std::string> answer;
};

std::string state_of(const replica::Health& health) {
  if (!health.problem.empty()) return "stopped";
  if (health.resyncing) return "resyncing";
  return health.applying ? "serving" : "starting";
}

}  // namespace

NodeStatus status_of(const replica::Instance& instance, const Clock& clock) {
  const auto health = instance.health();
  NodeStatus node{.id = instance.node_id(),
                  .state = state_of(health),
                  .role = health.role,
                  .applied = health.applied,
                  .log_last = std::max(health.applied, health.log_last),
                  .seen = clock.wall()};
  if (node.lag_entries() > 0) {
    node.lag =
        std::max(std::chrono::duration_cast<Millis>(node.seen - health.applied_time), Millis{0});
  }
  return node;
}

NodeBoard::NodeBoard(Parts parts)
    : parts_(std::move(parts)), subject_("weir.nodes." + std::to_string(parts_.shard)) {}

Result<void> NodeBoard::start() {
  WEIR_ASSIGN(questions_, parts_.connection->subscribe(
                              subject_, [this](const nats::Message& asked) { answer(asked); }));
  return {};
}

void NodeBoard::answer(const nats::Message& question) const {
  if (question.reply.empty()) return;
  if (question.data.empty()) {
    const auto own = to_json(status_of(parts_.instance, parts_.clock));
    (void)parts_.connection->publish(question.reply, "", own);
    return;
  }
  auto* leadership = parts_.instance.leadership();
  if (leadership == nullptr || !leadership->leads() || !json::check(question.data)) return;
  const auto heir = json::View(question.data).find("hand_over_to").as_string();
  if (!heir || heir->empty() || *heir == leadership->holder()) return;
  leadership->hand_over(*heir, [connection = parts_.connection, reply = question.reply,
                                id = parts_.instance.node_id()](const Result<void>& done) {
    (void)connection->publish(reply, "", handed_over(id, done));
  });
}

void NodeBoard::stop() {
  questions_.reset();
}

std::vector<NodeStatus> NodeBoard::ask(Millis wait) const {
  const auto answers = std::make_shared<Answers>();
  const auto own = status_of(parts_.instance, parts_.clock);
  const auto inbox = parts_.connection->new_inbox();
  const auto heard = parts_.connection->subscribe(inbox, [answers](const nats::Message& message) {
    if (auto node = from_json(message.data)) {
      const std::lock_guard lock(answers->mutex);
      answers->nodes.insert_or_assign(node->id, std::move(*node));
    }
  });
  // How many there are is not known: all the time is given to them.
  if (heard && parts_.connection->publish(subject_, inbox, "")) std::this_thread::sleep_for(wait);
  const std::lock_guard lock(answers->mutex);
  answers->nodes.emplace(own.id, own);
  std::vector<NodeStatus> nodes;
  for (const auto& [id, node] : answers->nodes) nodes.push_back(node);
  return nodes;
}

Result<std::string> NodeBoard::hand_over(const std::string& heir, Millis wait) const {
  const auto told = std::make_shared<HandedOver>();
  const auto inbox = parts_.connection->new_inbox();
  WEIR_ASSIGN(const auto heard,
              parts_.connection->subscribe(inbox, [told](const nats::Message& message) {
                {
                  const std::lock_guard lock(told->mutex);
                  told->answer = message.data;
                }
                told->heard.notify_one();
              }));
  const auto question =
      json::Writer().begin_object().member("hand_over_to", heir).end_object().take();
  WEIR_TRY(parts_.connection->publish(subject_, inbox, question));
  std::unique_lock lock(told->mutex);
  told->heard.wait_for(lock, wait, [&] { return told->answer.has_value(); });
  if (!told->answer || !json::check(*told->answer)) {
    return Error{Code::conflict, "leader_silent", "The coordinator that leads does not answer",
                 "it is replaced by itself when it is dead; with force it is not waited for"};
  }
  const json::View view(*told->answer);
  if (const auto problem = view.find("error").as_string()) {
    return Error{Code::unavailable, "hand_over_failed", "The leader could not give the lease away",
                 *problem};
  }
  return view.find("id").as_string().value_or("");
}

}  // namespace weir::api
