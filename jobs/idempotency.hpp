// Idempotency: a request with an Idempotency-Key happens once. The key travels in the operation
// with a digest of the request; the log decides which request was first, and its answer is kept:
// with the job it made, or for kIdempotencyKept for a batch.
//
// Thread rule: the applier thread only. sqlite::Failure passes through.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/result.hpp"
#include "pkg/json/view.hpp"
#include "pkg/json/writer.hpp"

namespace weir::jobs {

struct Change;
struct Step;

struct Idempotency {
  std::string key;                       // as the client sent it; empty: none
  std::string by;                        // id of its API key: other keys' requests do not meet
  std::string digest;                    // of the request
  std::vector<std::string> others = {};  // digests of the same request by former keys
  std::int64_t part = 0;                 // of a batch that takes several operations
  explicit operator bool() const { return !key.empty(); }
};

// An operation that is idempotent begins with this member: {"idempotency":{...},...
inline constexpr std::string_view kIdempotencyHead = "{\"idempotency\":";
void write_idempotency(json::Writer& out, const Idempotency& once);
Idempotency parse_idempotency(json::View text);

// The first answer, marked as a duplicate. Errors: conflict / idempotency_key_reused when the key
// came with another request.
Result<std::optional<std::string>> find_answer(Step& step, const Idempotency& once);
// Keeps the answer as long as the job `row`; without a row for kIdempotencyKept.
void keep_answer(Step& step, const Idempotency& once, std::optional<std::int64_t> row,
                 std::string_view answer);
// The job is forgotten: so are its keys.
void follow_idempotency(Step& step, const Change& change);
// Drops at most `limit` answers that were kept long enough.
void drop_old_answers(Step& step, std::int64_t limit);

}  // namespace weir::jobs
