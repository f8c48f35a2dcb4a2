#include "api/jobs/bulk.hpp"

#include "pkg/json/writer.hpp"

namespace weir::api {
namespace {

class Bulk : public std::enable_shared_from_this<Bulk> {
 public:
  Bulk(Services& services, Call call, std::string counted)
      : services_(services), call_(std::move(call)), counted_(std::move(counted)) {}

  // One step is in flight at a time, so the members need no lock.
  void step(replica::Operation operation) {
    const auto sent = operation;
    services_.instance.propose(std::move(operation), [self = shared_from_this(),
                                                      sent](const Result<replica::Reply>& reply) {
      self->on_reply(sent, reply);
    });
  }

 private:
  void on_reply(const replica::Operation& sent, const Result<replica::Reply>& reply) {
    if (!reply) return fail(reply.error());
    auto bulk = jobs::next_step(sent, reply->json);
    done_ += bulk.done;
    if (const auto missing = json::View(reply->json).find("missing").as_int()) {
      missing_ = missing_.value_or(0) + *missing;
    }
    if (bulk.next) return step(std::move(*bulk.next));
    json::Writer out;
    out.begin_object().member(counted_, done_);
    if (missing_) out.member("missing", *missing_);
    out.member("revision", reply->revision).end_object();
    call_.reply(200, out.take(), reply->revision);
  }

  void fail(Error error) {
    if (done_ > 0) {
      error.details += " (" + std::to_string(done_) + " were " + counted_ + " before this)";
    }
    call_.fail(error);
  }

  Services& services_;
  const Call call_;
  const std::string counted_;
  std::int64_t done_ = 0;
  std::optional<std::int64_t> missing_;  // named by id, but not there
};

}  // namespace

void answer_bulk(Services& services, const Call& call, Result<replica::Operation> operation,
                 const std::string& counted) {
  if (!operation) return call.fail(operation.error());
  operation->actor = call.actor();  // of the first step: one record is enough
  std::make_shared<Bulk>(services, call, counted)->step(std::move(*operation));
}

}  // namespace weir::api
