#include "tests/sim/message_clients.hpp"

#include "jobs/token.hpp"
#include "pkg/base/assert.hpp"
#include "pkg/base/time_text.hpp"

namespace weir::sim {
namespace {

using namespace std::chrono_literals;

constexpr const char* kMail = "mail";
constexpr const char* kPost = "post";
constexpr int kMostDrops = 50;

// Requests of this program are valid.
template <class T>
T must(Result<T> result) {
  WEIR_ASSERT(result.has_value());
  return std::move(result).value();
}

std::string text_of(json::View view, std::string_view member) {
  return view.find(member).as_string().value_or("");
}

}  // namespace

void MessageClients::begin() {
  for (const char* queue : {kMail, kPost}) {
    if (world_.chance(700)) make_queue(queue);
  }
  publish();
  consume();
  world_.after(2s, [this] { drop(); });
}

void MessageClients::make_queue(const std::string& queue) {
  const jobs::MessageQueue settings{.max_depth = world_.between(5, 60),
                                    .ack_deadline = Millis{world_.between(300, 3'000)},
                                    .max_retries = world_.between(0, 3),
                                    .default_priority = world_.between(0, 9)};
  hooks_.propose(must(requests_.message_queue(queue, settings)),
                 [](const Result<replica::Reply>&) {});
}

// --- publishers ----------------------------------------------------------------------------------

void MessageClients::publish() {
  if (calm_) return;
  world_.after(Micros{world_.between(20'000, 500'000)}, [this] { publish(); });
  const auto id = "msg-" + std::to_string(++next_message_);
  const std::string queue = world_.chance(600) ? kMail : kPost;
  std::string job = R"({"id":")" + id + R"(","queue":")" + queue + R"(","type":"message")" +
                    R"(,"payload":{"n":)" + std::to_string(next_message_) + "}";
  if (world_.chance(500)) job += R"(,"priority":)" + std::to_string(world_.below(10));
  if (world_.chance(100)) job += R"(,"delay_ms":)" + std::to_string(world_.below(2'000));
  if (queue == kPost) ledger_.may_go(id);
  send(id, must(requests_.message_publish(json::View(job + "}"))), queue == kPost ? 4 : 1);
}

// Again until it is known; in a queue that is deleted it would be another message.
void MessageClients::send(const std::string& id, const replica::Operation& operation, int tries) {
  auto told = std::make_shared<Told>(Told::nothing);
  hooks_.propose(operation, [this, id, told](const Result<replica::Reply>& reply) {
    *told = told_by(reply);
    ledger_.submitted(id, *told);
    if (reply && text_of(json::View(reply->json), "message_id") != id) {
      ledger_.wrong("message " + id + " was answered with another");
    }
  });
  world_.after(6s, [this, id, operation, tries, told] {
    ledger_.submitted(id, *told);
    if (*told != Told::accepted && tries < 4) send(id, operation, tries + 1);
  });
}

// --- consumers -----------------------------------------------------------------------------------

// Each call is a consumer of its own, so that an answer is for the lease it was given.
void MessageClients::consume() {
  if (ended_) return;
  world_.after(Micros{world_.between(20'000, calm_ ? 100'000 : 400'000)}, [this] { consume(); });
  SimNode* node = hooks_.any_node();
  if (node == nullptr) return;
  const auto name = "c" + std::to_string(++next_consumer_);
  jobs::MessageAnswer consumer{.queue = world_.chance(500) ? kMail : kPost, .id = {}, .key = "key"};
  if (world_.chance(800)) {
    consumer.consumer = name;
  } else {  // a socket may answer for all who have a name under its key
    consumer.key = "web";
    consumer.socket = name;
  }
  const std::string body = R"({"worker":")" + jobs::message_worker(consumer) + R"(","max":)" +
                           std::to_string(world_.between(1, 6)) + R"(,"lease_ms":)" +
                           std::to_string(world_.between(300, 3'000)) + R"(,"wait_ms":0})";
  auto request =
      must(requests_.message_consume(consumer.queue, json::View(body), {node->id(), "m" + name}));
  node->propose(std::move(request.operation),
                [this, consumer](const Result<replica::Reply>& reply) {
                  if (reply) take(consumer, *reply);
                });
}

void MessageClients::take(const jobs::MessageAnswer& consumer, const replica::Reply& reply) {
  for (const auto job : json::View(reply.json).find("jobs").elements()) {
    auto held = consumer;
    held.id = text_of(job, "id");
    const auto token = jobs::parse_token(text_of(job, "lease"));
    const auto fence = token ? token->fence : 0;
    const auto deadline = must(parse_rfc3339(text_of(job, "deadline")));
    ledger_.leased(held.id, text_of(job, "lease"), reply.revision, to_unix_ms(deadline));
    if (!calm_ && world_.chance(80)) continue;  // the consumer vanishes
    if (world_.chance(100)) intrude(held);
    const Micros time{calm_ ? world_.between(1'000, 100'000) : world_.between(1'000, 3'000'000)};
    world_.after(time, [this, held, fence] { answer(held, fence, 1); });
  }
}

void MessageClients::answer(const jobs::MessageAnswer& held, std::int64_t fence, int tries) {
  ledger_.ending(held.id, fence);
  const bool acks = calm_ || world_.chance(700);
  const auto requeue = world_.chance(800) ? jobs::Requeue::yes : jobs::Requeue::no;
  const bool given_up = !acks && requeue == jobs::Requeue::no;
  auto operation = must(acks ? requests_.message_ack(held) : requests_.message_nack(held, requeue));
  hooks_.propose(std::move(operation), [this, held, fence, tries, acks,
                                        given_up](const Result<replica::Reply>& reply) {
    if (reply) {
      ledger_.answered(held.id, {fence, reply->revision, acks});
      if (given_up && text_of(json::View(reply->json), "action") == "requeued") {
        ledger_.wrong("message " + held.id + " was given up and comes back");
      }
      return;
    }
    const auto& reason = reply.error().reason;
    const bool sure =
        reason == "lease_lost" || reason == "message_not_found" || reason == "queue_not_found";
    if (sure || tries >= 3) return;
    world_.after(300ms, [this, held, fence, tries] { answer(held, fence, tries + 1); });
  });
}

void MessageClients::intrude(jobs::MessageAnswer consumer) {
  if (world_.chance(500)) {
    consumer.key = "yek";
  } else {
    consumer.consumer = "stranger";
    consumer.socket.reset();
  }
  hooks_.propose(must(requests_.message_ack(consumer)),
                 [this, id = consumer.id](const Result<replica::Reply>& reply) {
                   if (reply) ledger_.wrong("message " + id + " was acknowledged by a stranger");
                 });
}

// --- operators -----------------------------------------------------------------------------------

void MessageClients::drop() {
  if (calm_) return;
  world_.after(Micros{world_.between(1'000'000, 6'000'000)}, [this] { drop(); });
  drop_next(must(requests_.queue_drop(kPost)), 1);
  if (world_.chance(300)) world_.after(1s, [this] { make_queue(kPost); });
}

// A bounded number at once, until the queue is gone. (That nothing is in it then: the referee.)
void MessageClients::drop_next(const replica::Operation& operation, int tries) {
  if (calm_ || tries > kMostDrops) return;
  hooks_.propose(operation, [this, operation, tries](const Result<replica::Reply>& reply) {
    if (!reply || !json::View(reply->json).find("more").as_bool().value_or(false)) return;
    world_.after(1ms, [this, operation, tries] { drop_next(operation, tries + 1); });
  });
}

}  // namespace weir::sim
