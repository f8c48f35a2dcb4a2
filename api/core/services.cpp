#include "api/core/services.hpp"

#include "jobs/kept.hpp"

namespace weir::api {

const Clock& real_clock(const Services& services) {
  return services.test_clock == nullptr ? services.clock : services.test_clock->real();
}

void answer_read(Services& services, const Call& call,
                 const std::function<Result<std::string>(sqlite::Database&)>& query) {
  services.reads.fetch_add(1, std::memory_order_relaxed);
  std::string json;
  const auto revision = services.instance.read([&](sqlite::Database& db) -> Result<void> {
    WEIR_ASSIGN(json, query(db));
    return {};
  });
  if (!revision) return call.fail(revision.error());
  call.reply(200, std::move(json), *revision);
}

void answer_write(Services& services, const Call& call, Result<replica::Operation> operation,
                  int status) {
  if (!operation) return call.fail(operation.error());
  operation->actor = call.actor();
  services.instance.propose(std::move(*operation), [call, status](Result<replica::Reply> reply) {
    if (!reply) return call.fail(reply.error());
    call.reply(status, std::move(reply->json), reply->revision);
  });
}

void answer_kept(const Services& services, const Call& call, const replica::Reply& reply) {
  call.reply(202, jobs::kept_answer(reply.json, services.clock.wall()));
}

void answer_write_or_keep(Services& services, const Call& call,
                          Result<replica::Operation> operation, int status) {
  if (!operation) return call.fail(operation.error());
  services.instance.propose_or_keep(std::move(*operation),
                                    [&services, call, status](Result<replica::Reply> reply) {
                                      if (!reply) return call.fail(reply.error());
                                      if (reply->kept) return answer_kept(services, call, *reply);
                                      call.reply(status, std::move(reply->json), reply->revision);
                                    });
}

}  // namespace weir::api
