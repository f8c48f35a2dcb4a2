// StoredValues: between the commands and the job engine, for the values of jobs: payloads, results
// and checkpoints. Requests are put into the stored form before their handler runs (Gateway),
// answers are put back on their way out (Call::reply).
//
// Thread-safe. Must outlive the calls.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/call.hpp"
#include "api/value_reader.hpp"
#include "api/value_writer.hpp"
#include "api/workers.hpp"

namespace weir::api {

class StoredValues {
 public:
  struct Parts {
    const PayloadKeys& keys;
    replica::Instance& instance;
    UuidGenerator& ids;
    Workers& workers;
    unsigned shard = 0;
    std::size_t max_value_bytes = 0;  // of what a client sends
  };
  explicit StoredValues(const Parts& parts) : parts_(parts), sealer_(parts.keys, parts.shard) {}

  const ValueSealer& sealer() const { return sealer_; }

  // The body as the handler shall see it; nothing when that is as it came. `lines`: NDJSON.
  std::optional<std::string> store(Takes takes, const http::Request& request, bool lines) const;

  // Answers `call` with what its client gave. Jobs that cannot be read are given back for a while;
  // when no other was leased the answer is the error.
  void answer(const Call& call, Gives gives, int status, std::string json,
              std::optional<replica::Revision> revision) const;

  // The payload of a job in the form of another job, for a copy. Blocks. Errors: not_found /
  // job_not_found; of ValueSealer::open.
  Result<std::string> payload_for_copy(std::string_view id, std::string_view new_id) const;

 private:
  void answer_now(const Call& call, Gives gives, int status, std::string json,
                  std::optional<replica::Revision> revision) const;
  void give_back(const std::vector<std::string>& leases) const;

  const Parts parts_;
  const ValueSealer sealer_;
};

}  // namespace weir::api
