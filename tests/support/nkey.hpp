// A fresh NKey: the Ed25519 key pair with which a NATS client proves who it is.
#pragma once

#include <string>

namespace weir::test {

struct UserNkey {
  std::string seed;        // "SU...", secret
  std::string public_key;  // "U..."
};

UserNkey make_user_nkey();

}  // namespace weir::test
