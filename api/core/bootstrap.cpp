#include "api/core/bootstrap.hpp"

#include <future>

#include "pkg/auth/key_request.hpp"
#include "pkg/auth/key_text.hpp"

namespace weir::api {

Result<replica::Reply> propose_and_wait(replica::Instance& instance, replica::Operation operation,
                                        Millis wait) {
  const auto promise = std::make_shared<std::promise<Result<replica::Reply>>>();
  auto answered = promise->get_future();
  instance.propose(std::move(operation), [promise](Result<replica::Reply> reply) {
    promise->set_value(std::move(reply));
  });
  if (answered.wait_for(wait) == std::future_status::ready) return answered.get();
  return Error{Code::deadline_exceeded, "outcome_unknown", "The log did not answer in time.",
               "Waited " + std::to_string(wait.count()) + " ms."};
}

Result<std::optional<std::string>> ensure_admin_key(replica::Instance& instance, Random& random,
                                                    const std::optional<std::string>& given_key,
                                                    Millis wait) {
  if (given_key) {
    WEIR_ASSIGN(const auto key, auth::adopt_key(*given_key));
    WEIR_TRY(propose_and_wait(instance, auth::bootstrap_key(key, auth::KeySource::given), wait));
    return std::optional<std::string>();
  }
  const auto key = auth::make_key(random);
  WEIR_ASSIGN(const auto reply,
              propose_and_wait(instance, auth::bootstrap_key(key, auth::KeySource::made), wait));
  const bool created = json::View(reply.json).find("created").as_bool().value_or(false);
  return created ? std::optional<std::string>(key.text) : std::nullopt;
}

}  // namespace weir::api
