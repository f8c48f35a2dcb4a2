#include "api/values/payload_keys.hpp"

#include <sys/stat.h>

namespace weir::api {

Result<std::unique_ptr<PayloadKeys>> PayloadKeys::load(const std::string& path) {
  auto keys = std::make_unique<PayloadKeys>();
  keys->path_ = path;
  WEIR_TRY(keys->reload());
  return keys;
}

std::shared_ptr<const crypto::KeyRing> PayloadKeys::ring() const {
  const std::lock_guard lock(mutex_);
  return ring_;
}

PayloadKeys::Seen PayloadKeys::look() const {
  struct stat info {};
  if (::stat(path_.c_str(), &info) != 0) return {};
  return {.modified_ns = info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec,
          .size = info.st_size,
          .inode = info.st_ino};
}

Result<void> PayloadKeys::reload() {
  if (path_.empty()) return {};
  const auto seen = look();
  auto ring = crypto::KeyRing::load(path_);
  const std::lock_guard lock(mutex_);
  seen_ = seen;
  if (!ring) return ring.error();
  ring_ = std::make_shared<const crypto::KeyRing>(std::move(*ring));
  return {};
}

Result<bool> PayloadKeys::reload_if_changed() {
  if (path_.empty()) return false;
  {
    const auto seen = look();
    const std::lock_guard lock(mutex_);
    if (seen == seen_) return false;
  }
  WEIR_TRY(reload());
  return true;
}

}  // namespace weir::api
