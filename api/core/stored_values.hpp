// StoredValues: between the commands and the job engine, for the values of jobs: payloads, results
// and checkpoints. Requests are put into the stored form before their handler runs (Gateway),
// answers are put back on their way out (Call::reply).
//
// Thread-safe. Must outlive the calls.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/core/call.hpp"
#include "api/runtime/workers.hpp"
#include "api/values/value_reader.hpp"
#include "api/values/value_writer.hpp"

namespace weir::api {

class StoredValues {
 public:
  struct Parts {
    const PayloadKeys& keys;
    replica::Instance& instance;
    UuidGenerator& ids;
    Workers& workers;  // of its own: they wait for NATS
    unsigned shard = 0;
    std::size_t max_value_bytes = 0;      // of what a client sends
    replica::BlobStore* blobs = nullptr;  // null: no value is kept elsewhere
    std::size_t inline_bytes = 0;         // the longest form that goes into the log
  };
  explicit StoredValues(const Parts& parts)
      : parts_(parts), sealer_(parts.keys, parts.shard, parts.blobs, parts.inline_bytes) {}

  const ValueSealer& sealer() const { return sealer_; }

  // Whether a request may carry a large value: then store() blocks.
  bool may_block(Takes takes, const http::Request& request) const {
    return takes != Takes::nothing && sealer_.may_be_large(request.body.size());
  }
  // On a worker for what blocks; false when there are none left.
  [[nodiscard]] bool run(std::function<void()> work) const {
    return parts_.workers.run(std::move(work));
  }
  // The body as the handler shall see it; nothing when that is as it came. `lines`: NDJSON. Errors:
  // of ValueSealer::seal_any.
  Result<std::optional<std::string>> store(Takes takes, const http::Request& request,
                                           bool lines) const;

  // Answers `call` with what its client gave. Jobs that cannot be read are given back for a while;
  // when no other was leased the answer is the error.
  void answer(const Call& call, Gives gives, int status, std::string json,
              std::optional<replica::Revision> revision) const;

  // The same for what does not come and go by a command of HTTP. `body` is that of a request which
  // takes jobs; `json` an answer with leased jobs, put back now or by a worker.
  Result<std::optional<std::string>> store_jobs(std::string_view body) const;
  void open_leased(std::string json, std::function<void(Result<std::string>)> done) const;

  // The payload of a job in the form of another job, for a copy. Blocks. Errors: not_found /
  // job_not_found; of ValueSealer::open.
  Result<std::string> payload_for_copy(std::string_view id, std::string_view new_id) const;

 private:
  void answer_now(const Call& call, Gives gives, int status, std::string json,
                  std::optional<replica::Revision> revision) const;
  void take_back(const std::string& json) const;
  Result<std::string> open_now(const std::string& json, bool reported) const;
  void give_back(const std::vector<std::string>& leases) const;

  const Parts parts_;
  const ValueSealer sealer_;
};

}  // namespace weir::api
