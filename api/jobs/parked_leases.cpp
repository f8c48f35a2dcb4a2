#include "api/jobs/parked_leases.hpp"

#include <vector>

#include "pkg/log/log.hpp"

namespace weir::api {
namespace {

// The waiter expires by the time of the log. Answering a little later than that lets a delivery
// that was decided at the last moment still reach the client.
constexpr Millis kTimeoutGrace{100};

void ignore_reply(const Result<replica::Reply>& reply) {
  if (!reply) log::debug("waiter_operation_failed", {{"error", describe(reply.error())}});
}

}  // namespace

// One request that may wait. Its state moves once from open to ended, by whoever comes first: the
// reply, a delivery, the timer, the client's hang-up, or the stop of the server.
class ParkedLeases::Ticket : public std::enable_shared_from_this<ParkedLeases::Ticket> {
 public:
  Ticket(ParkedLeases& owner, LeaseClient client, jobs::LeaseWaiter waiter, Millis wait,
         Instead instead)
      : owner_(owner),
        client_(std::move(client)),
        waiter_(std::move(waiter)),
        wait_(wait),
        instead_(std::move(instead)) {}

  // The operation was applied: it took jobs, or it parked.
  void on_reply(Result<replica::Reply> reply) {
    if (!reply) {
      if (end()) refuse(client_, reply.error(), instead_);
      return;
    }
    if (!jobs::is_parked(reply->json)) {
      if (end()) {
        client_.answer(std::move(reply));
      } else {
        owner_.give_back(reply->json);
      }
      return;
    }
    on_parked(std::move(*reply));
  }

  void on_delivery(std::string json) {
    std::optional<replica::Reply> parked;
    {
      const std::lock_guard lock(mutex_);
      if (!ended_ && !parked_) {  // overtook the reply
        delivered_ = std::move(json);
        return;
      }
      parked = parked_;
    }
    if (end()) {
      client_.answer(replica::Reply{jobs::finish_parked(parked->json, json), parked->revision});
    } else {
      owner_.give_back(json);
    }
  }

  // Time is over, or the server stops.
  void on_timeout() {
    std::optional<replica::Reply> parked;
    {
      const std::lock_guard lock(mutex_);
      parked = parked_;
    }
    // Without the reply there is nothing to answer yet: on_reply() will come and find no time left.
    if (!parked || !end()) return;
    close_replicated_waiter();
    client_.answer(replica::Reply{jobs::finish_timed_out(parked->json), parked->revision});
  }

  void on_client_gone() {
    bool was_parked = false;
    std::string delivered;
    {
      const std::lock_guard lock(mutex_);
      was_parked = parked_.has_value();
      delivered = std::move(delivered_);
    }
    if (!end()) return;
    if (was_parked) close_replicated_waiter();
    if (!delivered.empty()) owner_.give_back(delivered);
  }

 private:
  void on_parked(replica::Reply reply) {
    std::string early;
    bool ended = false;
    {
      const std::lock_guard lock(mutex_);
      ended = ended_;
      if (!ended) {
        parked_ = reply;
        early = std::move(delivered_);
        if (early.empty()) {
          timer_ = owner_.parts_.timers.set(owner_.parts_.clock.mono() + wait_ + kTimeoutGrace,
                                            [self = shared_from_this()] { self->on_timeout(); });
        }
      }
    }
    if (ended) {
      close_replicated_waiter();  // the client left while the operation was on its way
    } else if (!early.empty()) {
      on_delivery(std::move(early));
    } else if (owner_.stopping_) {
      on_timeout();
    }
  }

  // True for the one caller that may answer.
  bool end() {
    Timers::Id timer = 0;
    {
      const std::lock_guard lock(mutex_);
      if (ended_) return false;
      ended_ = true;
      timer = timer_;
    }
    if (timer != 0) owner_.parts_.timers.cancel(timer);
    owner_.parts_.instance.close_waiter(waiter_.waiter);
    owner_.forget(waiter_.waiter);
    return true;
  }

  void close_replicated_waiter() {
    owner_.parts_.instance.propose(jobs::waiter_close(waiter_), ignore_reply);
  }

  ParkedLeases& owner_;
  const LeaseClient client_;
  const jobs::LeaseWaiter waiter_;
  const Millis wait_;
  const Instead instead_;
  std::mutex mutex_;
  bool ended_ = false;
  std::optional<replica::Reply> parked_;  // the reply that said so
  std::string delivered_;                 // came before the reply
  Timers::Id timer_ = 0;
};

jobs::LeaseWaiter ParkedLeases::new_waiter() {
  return {parts_.instance.node_id(), random_hex(parts_.random, 16)};
}

void ParkedLeases::run(const Call& call, jobs::LeaseRequest request,
                       const jobs::LeaseWaiter& waiter, Instead instead) {
  LeaseClient client{
      .answer =
          [call](Result<replica::Reply> reply) {
            if (!reply) return call.fail(reply.error());
            call.reply(200, std::move(reply->json), reply->revision);
          },
      .on_closed =
          [call](std::function<void()> closed) { call.responder().on_closed(std::move(closed)); }};
  run(std::move(client), std::move(request), waiter, std::move(instead));
}

void ParkedLeases::run(LeaseClient client, jobs::LeaseRequest request,
                       const jobs::LeaseWaiter& waiter, Instead instead) {
  if (request.wait.count() > 0) {
    return park(std::move(client), std::move(request), waiter, std::move(instead));
  }
  parts_.instance.propose(
      std::move(request.operation),
      [client = std::move(client), instead = std::move(instead)](Result<replica::Reply> reply) {
        if (!reply) return refuse(client, reply.error(), instead);
        client.answer(std::move(reply));
      });
}

void ParkedLeases::refuse(const LeaseClient& client, const Error& error, const Instead& instead) {
  const bool away = error.reason == "nats_unavailable";
  if (!away || !instead || !instead()) client.answer(error);
}

void ParkedLeases::park(LeaseClient client, jobs::LeaseRequest request,
                        const jobs::LeaseWaiter& waiter, Instead instead) {
  const auto on_closed = client.on_closed;
  const auto ticket =
      std::make_shared<Ticket>(*this, std::move(client), waiter, request.wait, std::move(instead));
  {
    const std::lock_guard lock(mutex_);
    tickets_.emplace(waiter.waiter, ticket);
  }
  parts_.instance.open_waiter(waiter.waiter,
                              [ticket](std::string json) { ticket->on_delivery(std::move(json)); });
  if (on_closed) {
    on_closed([weak = std::weak_ptr(ticket)] {
      if (const auto alive = weak.lock()) alive->on_client_gone();
    });
  }
  parts_.instance.propose(std::move(request.operation), [ticket](Result<replica::Reply> reply) {
    ticket->on_reply(std::move(reply));
  });
}

void ParkedLeases::release_all() {
  stopping_ = true;
  std::vector<std::shared_ptr<Ticket>> open;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [waiter, ticket] : tickets_) open.push_back(ticket);
  }
  for (const auto& ticket : open) ticket->on_timeout();
}

void ParkedLeases::give_back(const std::string& delivered_json) {
  if (auto operation = jobs::release_delivery(delivered_json)) {
    parts_.instance.propose(std::move(*operation), ignore_reply);
  }
}

std::size_t ParkedLeases::waiting() const {
  const std::lock_guard lock(mutex_);
  return tickets_.size();
}

void ParkedLeases::forget(const std::string& waiter) {
  std::shared_ptr<Ticket> ticket;  // destroyed outside the lock
  const std::lock_guard lock(mutex_);
  const auto found = tickets_.find(waiter);
  if (found == tickets_.end()) return;
  ticket = std::move(found->second);
  tickets_.erase(found);
}

}  // namespace weir::api
