#include "pkg/crypto/key_ring.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "pkg/base/base64.hpp"
#include "pkg/crypto/seal.hpp"

namespace weir::crypto {
namespace {

constexpr std::size_t kMaxKeyIdBytes = 32;
constexpr std::size_t kMaxKeys = 64;

Error bad_keys(std::string details) {
  return Error{Code::invalid, "bad_payload_keys", "The payload keys cannot be used",
               std::move(details)};
}

bool is_valid_id(std::string_view id) {
  return !id.empty() && id.size() <= kMaxKeyIdBytes && std::ranges::all_of(id, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

std::string_view trimmed(std::string_view line) {
  constexpr std::string_view kBlank = " \t\r";
  const auto first = line.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return line.substr(first, line.find_last_not_of(kBlank) - first + 1);
}

Result<KeyRing::Key> parse_line(std::string_view line, const std::string& where) {
  const auto colon = line.find(':');
  const auto id = line.substr(0, colon);
  if (colon == std::string_view::npos || !is_valid_id(id)) {
    return bad_keys(where + ": must be ID:KEY, with an id of 1 to 32 of A-Z a-z 0-9 . _ -");
  }
  auto bytes = base64_decode(line.substr(colon + 1));
  if (!bytes || bytes->size() != kSealKeyBytes) {
    return bad_keys(where + ": the key " + std::string(id) + " must be the base64 of 32 bytes");
  }
  return KeyRing::Key{std::string(id), std::move(*bytes)};
}

}  // namespace

Result<KeyRing> KeyRing::parse(std::string_view text) {
  KeyRing ring;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    const auto where = "line " + std::to_string(number);
    WEIR_ASSIGN(auto key, parse_line(line, where));
    if (ring.find(key.id) != nullptr) return bad_keys(where + ": " + key.id + " was there before");
    ring.keys_.push_back(std::move(key));
    if (ring.keys_.size() > kMaxKeys) {
      return bad_keys("more than " + std::to_string(kMaxKeys) + " keys");
    }
  }
  if (ring.keys_.empty()) return bad_keys("there is no key");
  return ring;
}

Result<KeyRing> KeyRing::load(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return bad_keys(path + ": " + std::strerror(errno));
  if ((info.st_mode & 0077U) != 0) {
    return bad_keys(path + " is open to other users: chmod 0600 " + path);
  }
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) return bad_keys(path + " cannot be read");
  auto ring = parse(text.str());
  if (!ring) return bad_keys(path + ": " + ring.error().details);
  return ring;
}

const KeyRing::Key* KeyRing::find(std::string_view id) const {
  const auto found = std::ranges::find(keys_, id, &Key::id);
  return found == keys_.end() ? nullptr : &*found;
}

Result<std::string> new_key_line(std::string_view id) {
  if (!is_valid_id(id)) return bad_keys("an id has 1 to 32 of A-Z a-z 0-9 . _ -");
  return std::string(id) + ":" + base64_encode(random_bytes(kSealKeyBytes)) + "\n";
}

}  // namespace weir::crypto
