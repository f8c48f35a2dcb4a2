#include "pkg/webhook/signature.hpp"

#include <gtest/gtest.h>

#include "pkg/base/base64.hpp"

namespace weir::webhook {
namespace {

// The vector of the Standard Webhooks libraries ("sign function works").
constexpr std::string_view kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr std::string_view kId = "msg_p5jXN8AQM9LWM0D4loKWxJek";
constexpr std::int64_t kTime = 1'614'265'330;
constexpr std::string_view kBody = R"({"test": 2432232314})";
constexpr std::string_view kSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

TEST(WebhookSignature, IsThatOfThePublishedVector) {
  EXPECT_EQ(sign(kSecret, kId, kTime, kBody).value(), kSignature);
}

TEST(WebhookSignature, EveryPartIsSigned) {
  EXPECT_NE(sign(kSecret, "msg_other", kTime, kBody).value(), kSignature);
  EXPECT_NE(sign(kSecret, kId, kTime + 1, kBody).value(), kSignature);
  EXPECT_NE(sign(kSecret, kId, kTime, "{}").value(), kSignature);
}

TEST(WebhookSignature, TwoSecretsGiveTwoSignatures) {
  SeededRandom random(7);
  const auto fresh = make_secret(random);
  const auto both = sign(fresh + " " + std::string(kSecret), kId, kTime, kBody).value();
  EXPECT_EQ(both, sign(fresh, kId, kTime, kBody).value() + " " + std::string(kSignature));
}

TEST(WebhookSecret, IsMadeOf32Bytes) {
  SeededRandom random(7);
  const auto secret = make_secret(random);
  ASSERT_TRUE(secret.starts_with(kSecretPrefix));
  EXPECT_EQ(secret_key(secret).value().size(), 32U);
  EXPECT_NE(secret, make_secret(random));
}

TEST(WebhookSecret, OthersAreRefusedWithoutRepeatingThem) {
  const std::string prefix(kSecretPrefix);
  for (const auto& secret :
       {std::string(), std::string("hunter2hunter2hunter2hunter2hunter2"), prefix, prefix + "?!",
        prefix + base64_encode(std::string(23, 'x')), prefix + base64_encode(std::string(65, 'x')),
        base64_encode(std::string(32, 'x'))}) {
    const auto key = secret_key(secret);
    ASSERT_FALSE(key) << secret;
    EXPECT_EQ(key.error().reason, "bad_webhook_secret");
    if (secret.size() > prefix.size()) {
      EXPECT_EQ(describe(key.error()).find(secret), std::string::npos);
    }
  }
  EXPECT_TRUE(secret_key(prefix + base64_encode(std::string(24, 'x'))));
  EXPECT_TRUE(secret_key(prefix + base64_encode(std::string(64, 'x'))));
}

}  // namespace
}  // namespace weir::webhook
