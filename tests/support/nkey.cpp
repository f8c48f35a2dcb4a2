#include "tests/support/nkey.hpp"

#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <memory>

#include "pkg/base/assert.hpp"

namespace weir::test {
namespace {

// The letters of NKeys come out of these prefixes in base 32 (nkeys, "strkey.go").
constexpr std::uint8_t kSeedPrefix = 18 << 3;

std::uint8_t prefix_of(NkeyKind kind) {
  switch (kind) {
    case NkeyKind::operator_:
      return 14 << 3;
    case NkeyKind::account:
      return 0;
    case NkeyKind::user:
      return 20 << 3;
  }
  return 0;
}

// CRC-16/XMODEM.
std::uint16_t checksum(const std::string& bytes) {
  std::uint32_t crc = 0;
  for (const char byte : bytes) {
    crc ^= static_cast<std::uint32_t>(static_cast<std::uint8_t>(byte)) << 8U;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc & 0x8000U) != 0 ? (crc << 1U) ^ 0x1021U : crc << 1U;
    }
    crc &= 0xFFFFU;
  }
  return static_cast<std::uint16_t>(crc);
}

// RFC 4648 base 32 without padding, of the bytes and their checksum.
std::string encode(std::string bytes) {
  const auto crc = checksum(bytes);
  bytes += static_cast<char>(crc & 0xFFU);
  bytes += static_cast<char>(crc >> 8U);
  static constexpr char kLetters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string out;
  std::uint32_t buffer = 0;
  unsigned bits = 0;
  for (const char byte : bytes) {
    buffer = (buffer << 8U) | static_cast<std::uint8_t>(byte);
    for (bits += 8; bits >= 5; bits -= 5) out += kLetters[(buffer >> (bits - 5)) & 31U];
  }
  if (bits > 0) out += kLetters[(buffer << (5 - bits)) & 31U];
  return out;
}

using KeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

std::string sign(const Nkey& by, const std::string& text) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(by.secret.data());
  const KeyPtr key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, bytes, by.secret.size()),
                   EVP_PKEY_free);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  WEIR_ASSERT(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1);
  std::array<unsigned char, 64> signature{};
  std::size_t size = signature.size();
  WEIR_ASSERT(EVP_DigestSign(context.get(), signature.data(), &size,
                             reinterpret_cast<const unsigned char*>(text.data()),
                             text.size()) == 1);
  return {signature.begin(), signature.end()};
}

std::string base64url(const std::string& bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  while (!out.empty() && out.back() == '=') out.pop_back();
  for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return out;
}

// JWT version 2 of NATS: `rights` is the inside of its "nats" object.
std::string jwt(const Nkey& issuer, const Nkey& subject, const std::string& rights) {
  const std::string head = R"({"typ":"JWT","alg":"ed25519-nkey"})";
  const std::string claims = R"({"jti":")" + subject.public_key + R"(","iat":1700000000,"iss":")" +
                             issuer.public_key + R"(","name":"weir-test","sub":")" +
                             subject.public_key + R"(","nats":{)" + rights + R"(,"version":2}})";
  const std::string body = base64url(head) + "." + base64url(claims);
  return body + "." + base64url(sign(issuer, body));
}

}  // namespace

Nkey make_nkey(NkeyKind kind) {
  EVP_PKEY* raw = nullptr;
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
      EVP_PKEY_CTX_new_id(EVP_PKEY_ED25519, nullptr), EVP_PKEY_CTX_free);
  WEIR_ASSERT(EVP_PKEY_keygen_init(context.get()) == 1);
  WEIR_ASSERT(EVP_PKEY_keygen(context.get(), &raw) == 1);
  const KeyPtr key(raw, EVP_PKEY_free);
  std::array<unsigned char, 32> secret{};
  std::array<unsigned char, 32> open{};
  std::size_t size = secret.size();
  WEIR_ASSERT(EVP_PKEY_get_raw_private_key(key.get(), secret.data(), &size) == 1);
  WEIR_ASSERT(EVP_PKEY_get_raw_public_key(key.get(), open.data(), &size) == 1);

  const std::uint32_t prefix = prefix_of(kind);
  std::string seed;
  seed += static_cast<char>(kSeedPrefix | (prefix >> 5U));
  seed += static_cast<char>((prefix & 31U) << 3U);
  seed.append(secret.begin(), secret.end());
  std::string public_key(1, static_cast<char>(prefix));
  public_key.append(open.begin(), open.end());
  return {encode(std::move(seed)), encode(std::move(public_key)),
          std::string(secret.begin(), secret.end())};
}

OperatorMode make_operator_mode() {
  const auto owner = make_nkey(NkeyKind::operator_);
  const auto system = make_nkey(NkeyKind::account);
  const auto account = make_nkey(NkeyKind::account);
  const auto user = make_nkey(NkeyKind::user);
  const std::string limits =
      R"("limits":{"subs":-1,"data":-1,"payload":-1,"imports":-1,"exports":-1,"wildcards":true,)"
      R"("conn":-1,"leaf":-1)";
  const std::string storage = R"(,"mem_storage":-1,"disk_storage":-1,"streams":-1,"consumer":-1)";
  const auto account_jwt = [&](const Nkey& of, const std::string& more) {
    return of.public_key + ": \"" + jwt(owner, of, limits + more + R"(},"type":"account")") +
           "\"\n";
  };
  OperatorMode out;
  out.server_config = "operator: \"" + jwt(owner, owner, R"("type":"operator")") +
                      "\"\nsystem_account: " + system.public_key +
                      "\nresolver: MEMORY\nresolver_preload: {\n" + account_jwt(system, "") +
                      account_jwt(account, storage) + "}\n";
  out.seed = user.seed;
  out.creds =
      "-----BEGIN NATS USER JWT-----\n" +
      jwt(account, user, R"("pub":{},"sub":{},"subs":-1,"data":-1,"payload":-1,"type":"user")") +
      "\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n" + user.seed +
      "\n------END USER NKEY SEED------\n";
  return out;
}

}  // namespace weir::test
