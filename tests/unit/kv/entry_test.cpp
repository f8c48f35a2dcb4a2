#include "pkg/kv/entry.hpp"

#include <gtest/gtest.h>

#include "pkg/json/view.hpp"

namespace weir::kv {
namespace {

constexpr std::int64_t kTimeNs = 1'700'000'000'000'000'000;

nats::BucketRecord record(std::string value, nats::Headers headers = {}) {
  nats::BucketRecord out;
  out.key = "user=3A1";
  out.value = std::move(value);
  out.headers = std::move(headers);
  out.mark = nats::mark_of(out.headers);
  out.revision = 7;
  out.time_ns = kTimeNs;
  return out;
}

TEST(Entry, ValuesOfEveryOrigin) {
  struct Case {
    std::string stored;
    std::string shown;
    bool base64;
  };
  const Case cases[] = {{R"({"a":1})", R"({"a":1})", false},
                        {"12", "12", false},
                        {"hello", "\"hello\"", false},
                        {"", "\"\"", false},
                        {"\xff\x01", "\"/wE=\"", true}};
  for (const auto& c : cases) {
    const auto entry = to_entry(record(c.stored), {});
    EXPECT_EQ(entry.value, c.shown);
    EXPECT_EQ(entry.base64, c.base64);
    EXPECT_EQ(entry.key, "user:1");
    EXPECT_EQ(entry.revision, 7U);
    EXPECT_TRUE(json::check(to_json(entry))) << to_json(entry);
  }
}

TEST(Entry, Markers) {
  EXPECT_EQ(to_entry(record("", {{"KV-Operation", "DEL"}}), {}).mark, nats::Mark::deleted);
  EXPECT_EQ(to_entry(record("", {{"KV-Operation", "PURGE"}}), {}).mark, nats::Mark::purged);
  EXPECT_EQ(to_entry(record("", {{"Nats-Marker-Reason", "MaxAge"}}), {}).mark, nats::Mark::purged);
  const auto marker = to_entry(record("", {{"KV-Operation", "DEL"}}), {});
  EXPECT_FALSE(marker.live(from_unix_ms(0)));
  EXPECT_EQ(to_json(marker).find("\"value\""), std::string::npos);
}

TEST(Entry, TheEndIsTheEarliestOfWhatIsSaid) {
  const auto start = from_unix_ms(kTimeNs / 1'000'000);
  const auto end = [&](nats::Headers headers, Millis bucket_ttl) -> std::optional<Millis> {
    nats::BucketConfig bucket;
    bucket.ttl = bucket_ttl;
    const auto at = expiry_of(headers, kTimeNs, bucket);
    return at ? std::optional<Millis>(*at - start) : std::nullopt;
  };
  EXPECT_EQ(end({}, Millis{0}), std::nullopt);
  EXPECT_EQ(end({{"Weir-TTL-Ms", "1500"}}, Millis{0}), Millis{1500});
  EXPECT_EQ(end({{"Weir-TTL-Ms", "1500"}, {"Nats-TTL", "2"}}, Millis{0}), Millis{1500});
  EXPECT_EQ(end({{"Nats-TTL", "90"}}, Millis{0}), Millis{90'000});
  EXPECT_EQ(end({{"Nats-TTL", "1m30s"}}, Millis{0}), Millis{90'000});
  EXPECT_EQ(end({{"Nats-TTL", "never"}}, Millis{0}), std::nullopt);
  EXPECT_EQ(end({}, Millis{5000}), Millis{5000});
  EXPECT_EQ(end({{"Nats-TTL", "90"}}, Millis{5000}), Millis{5000});
  const auto entry = to_entry(record("1", {{"Weir-TTL-Ms", "1500"}}), {});
  EXPECT_TRUE(entry.live(start + Millis{1499}));
  EXPECT_FALSE(entry.live(start + Millis{1500}));
}

TEST(Entry, TheServersTtlIsAskedForWhereItIsSafe) {
  nats::BucketInfo bucket;
  EXPECT_EQ(ttl_headers(std::nullopt, bucket), nats::Headers{});
  EXPECT_EQ(ttl_headers(Millis{1500}, bucket), (nats::Headers{{"Weir-TTL-Ms", "1500"}}));
  bucket.message_ttl = true;
  EXPECT_EQ(ttl_headers(Millis{1500}, bucket),
            (nats::Headers{{"Weir-TTL-Ms", "1500"}, {"Nats-TTL", "2"}}));
  bucket.config.history = 5;  // an older revision would come to light
  EXPECT_EQ(ttl_headers(Millis{1500}, bucket), (nats::Headers{{"Weir-TTL-Ms", "1500"}}));
}

}  // namespace
}  // namespace weir::kv
