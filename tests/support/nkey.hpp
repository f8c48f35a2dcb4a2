// A fresh NKey: the Ed25519 key pair with which a NATS operator, account or user proves who it is.
// The credentials of operator mode are made of three of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weir::test {

enum class NkeyKind : std::uint8_t { operator_, account, user };

struct Nkey {
  std::string seed;        // "S...", secret
  std::string public_key;  // "O...", "A..." or "U..."
  std::string secret;      // 32 bytes, to sign with
};

Nkey make_nkey(NkeyKind kind);
inline Nkey make_user_nkey() {
  return make_nkey(NkeyKind::user);
}

// What a server in operator mode and one of its users need.
struct OperatorMode {
  std::string server_config;  // operator and accounts, resolved from memory
  std::string creds;          // a credentials file: the user's JWT and seed
  std::string seed;           // of the user
};
OperatorMode make_operator_mode();

}  // namespace weir::test
