// ValueSealer: one value of a job (payload, result, checkpoint) from the form that clients see to
// the form that is stored (jobs/stored_form.hpp), and back:
//
//   {"$weir":{"k":"<key id>","f":"<kind>","c":"<base64 of nonce, ciphertext and tag>"}}  encrypted
//   {"$weir":{"b":{...},"k":..,"f":..}}  kept as a blob (pkg/replica/blob_store.hpp), encrypted or
//   not
//   {"$weir":{"raw":<value>}}         the client's own value, which began like a stored form
//
// An encrypted value is bound to where it belongs (shard, field, owner): moved elsewhere it does
// not open. Thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "api/values/payload_keys.hpp"
#include "pkg/base/result.hpp"
#include "pkg/json/view.hpp"
#include "pkg/replica/blob_store.hpp"

namespace weir::api {

// What a value belongs to.
struct ValueOwner {
  enum class Kind : char {
    job = 'j',  // `name` is the job's id
    queue =
        'q',    // the queue: payloads that may become another job's (schedules, replace, debounce)
    row = 'r',  // the job's row: what is reported under a lease
  };
  Kind kind = Kind::job;
  std::string name;
};

// The owners an opener knows of; the stored form says which it needs.
struct KnownOwners {
  std::string job;
  std::string queue;
  std::string row;
};

class ValueSealer {
 public:
  ValueSealer(const PayloadKeys& keys, unsigned shard) : keys_(keys), shard_(shard) {}
  // Values whose form would be longer than `inline_bytes` are kept in `blobs`.
  ValueSealer(const PayloadKeys& keys, unsigned shard, replica::BlobStore* blobs,
              std::size_t inline_bytes)
      : keys_(keys), shard_(shard), blobs_(blobs), inline_bytes_(inline_bytes) {}

  bool encrypts() const { return keys_.ring() != nullptr; }
  // Whether a value of this size may be kept in a blob: then seal_any() blocks.
  bool may_be_large(std::size_t bytes) const {
    return blobs_ != nullptr && bytes > inline_bytes_ / 2;
  }
  // The form to store of `value`, raw JSON: itself when nothing is to be done.
  std::string seal(std::string_view value, std::string_view field, const ValueOwner& owner) const;
  // The same for a value that may be large. Errors: unavailable / large_payload_unavailable.
  Result<std::string> seal_any(std::string_view value, std::string_view field,
                               const ValueOwner& owner) const;
  // The value again, of anything that may be stored; blocks when it is large. Errors: unavailable /
  // payload_key_missing, large_payload_unavailable; conflict / payload_lost, payload_damaged when
  // it was changed, or moved from another job.
  Result<std::string> open(std::string_view stored, std::string_view field,
                           const KnownOwners& owners) const;

  // The key that was missed last, while it is still missing; else empty.
  std::string problem() const;

  // A digest of a request for comparison: keyed while there are keys, so that it tells nothing of
  // what was encrypted. `others`: what the other keys would have made of it.
  struct Digests {
    std::string digest;
    std::vector<std::string> others;
  };
  Digests digest(std::string_view text) const;

 private:
  Result<std::string> seal_large(std::string_view value, std::string_view field,
                                 const ValueOwner& owner) const;
  Result<std::string> fetch(json::View reference) const;
  std::string context(std::string_view field, char kind, std::string_view name) const;

  const PayloadKeys& keys_;
  const unsigned shard_;
  replica::BlobStore* const blobs_ = nullptr;
  const std::size_t inline_bytes_ = 0;
  mutable std::mutex mutex_;
  mutable std::string missed_;  // id of a key
};

}  // namespace weir::api
