// KeyRing: the keys that payloads are encrypted with, as a file holds them: one `<id>:<base64 of 32
// bytes>` a line, the first seals, every one opens; empty lines and lines that begin with # are
// skipped. A plain value; holds secrets: never log it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/result.hpp"

namespace weir::crypto {

class KeyRing {
 public:
  struct Key {
    std::string id;     // 1 to 32 of A-Z a-z 0-9 . _ -
    std::string bytes;  // kSealKeyBytes
  };

  // Errors, none of which shows a key: invalid / bad_payload_keys, with the line.
  static Result<KeyRing> parse(std::string_view text);
  // Of a file; the same error when it cannot be read, or when others can read it.
  static Result<KeyRing> load(const std::string& path);

  const Key& current() const { return keys_.front(); }
  const Key* find(std::string_view id) const;  // null when it is not here
  const std::vector<Key>& keys() const { return keys_; }

 private:
  std::vector<Key> keys_;  // at least one
};

// A line for the file: a fresh key. Error: invalid / bad_payload_keys when the id is not valid.
Result<std::string> new_key_line(std::string_view id);

}  // namespace weir::crypto
