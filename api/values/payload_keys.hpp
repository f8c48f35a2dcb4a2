// PayloadKeys: the key ring in use, read again when its file changes. Without a file nothing is
// encrypted. Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "pkg/base/result.hpp"
#include "pkg/crypto/key_ring.hpp"

namespace weir::api {

class PayloadKeys {
 public:
  PayloadKeys() = default;  // no keys
  explicit PayloadKeys(crypto::KeyRing ring)
      : ring_(std::make_shared<const crypto::KeyRing>(std::move(ring))) {}
  // Errors: of crypto::KeyRing::load.
  static Result<std::unique_ptr<PayloadKeys>> load(const std::string& path);

  // Null: nothing is encrypted. Stays valid while it is held.
  std::shared_ptr<const crypto::KeyRing> ring() const;
  // Reads the file again; when it cannot be used the keys from before stay. Without a file:
  // nothing.
  Result<void> reload();
  // The same when the file's time, size or place changed; true when it was read.
  Result<bool> reload_if_changed();

 private:
  struct Seen {
    std::int64_t modified_ns = 0;
    std::int64_t size = 0;
    std::uint64_t inode = 0;
    bool operator==(const Seen&) const = default;
  };
  Seen look() const;

  std::string path_;  // empty: none
  mutable std::mutex mutex_;
  std::shared_ptr<const crypto::KeyRing> ring_;
  Seen seen_;
};

}  // namespace weir::api
