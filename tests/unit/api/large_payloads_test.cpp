// Values that are too long for the log, over the whole API.
#include <algorithm>
#include <map>

#include "pkg/base/base64.hpp"
#include "pkg/crypto/crypto.hpp"
#include "tests/unit/api/api_fixture.hpp"

namespace weir::api {
namespace {

// Blobs in memory, one chunk each.
class MemoryBlobs final : public replica::BlobStore {
 public:
  Result<replica::BlobRef> put(std::string_view bytes) override {
    const std::lock_guard lock(mutex_);
    if (away_) return Error{Code::unavailable, "nats_unavailable", "NATS is away", ""};
    chunks_.emplace(++last_, bytes);
    return replica::BlobRef{.bytes = bytes.size(),
                            .sha256 = crypto::sha256_hex(bytes),
                            .stream = "s",
                            .chunks = {last_}};
  }
  Result<std::string> get(const replica::BlobRef& ref) override {
    const std::lock_guard lock(mutex_);
    if (away_) return Error{Code::unavailable, "nats_unavailable", "NATS is away", ""};
    const auto found = chunks_.find(ref.chunks.at(0));
    if (found == chunks_.end() || crypto::sha256_hex(found->second) != ref.sha256) {
      return Error{Code::conflict, "payload_lost", "gone", ""};
    }
    return found->second;
  }
  Result<void> remove(std::string_view, const std::vector<std::uint64_t>& chunks) override {
    const std::lock_guard lock(mutex_);
    for (const auto chunk : chunks) chunks_.erase(chunk);
    return {};
  }
  Result<Found> find_unknown(std::uint64_t, const std::set<std::uint64_t>& known, Timestamp,
                             std::size_t) override {
    const std::lock_guard lock(mutex_);
    Found out{.stream = "s", .older = {}, .next = 0};
    for (const auto& [chunk, bytes] : chunks_) {
      if (!known.contains(chunk)) out.older.push_back(chunk);
    }
    return out;
  }

  void set_away(bool away) {
    const std::lock_guard lock(mutex_);
    away_ = away;
  }
  void lose_all() {
    const std::lock_guard lock(mutex_);
    chunks_.clear();
  }
  std::size_t count() const {
    const std::lock_guard lock(mutex_);
    return chunks_.size();
  }
  std::string all() const {
    const std::lock_guard lock(mutex_);
    std::string out;
    for (const auto& [chunk, bytes] : chunks_) out += bytes;
    return out;
  }

 private:
  mutable std::mutex mutex_;
  bool away_ = false;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, std::string> chunks_;
};

constexpr const char* kMark = "heron-";

class LargePayloads : public ApiTest {
 protected:
  void SetUp() override {
    blobs_ = std::make_unique<MemoryBlobs>();
    ApiTest::SetUp();
    start();
  }
  void start() {
    ApiOptions options;
    options.inline_bytes = 1'000;
    options.requests.max_payload_bytes = 100'000;
    options.requests.max_operation_bytes = 50'000;
    options.sweep = {.period = Millis{5}, .orphan_period = Millis{20}, .orphan_age = Millis{0}};
    if (!sweeps_orphans_) options.sweep.orphan_period = std::chrono::hours(1);
    make_api(options);
  }
  MemoryBlobs& blobs() { return static_cast<MemoryBlobs&>(*blobs_); }
  static std::string text(char fill, std::size_t size = 60'000) {
    return kMark + std::string(size, fill);
  }
  static std::string value(char fill) { return "{\"s\":\"" + text(fill) + "\"}"; }
  Json job(const std::string& id) { return get("/v1/jobs/" + id)->body(); }
  std::string lease_path(const Json& leased) {
    return "/v1/leases/" + leased["lease"].get<std::string>();
  }
  void expect_log_is_small() {
    EXPECT_EQ(instance_->proposed_text().find(kMark), std::string::npos);
  }

  bool sweeps_orphans_ = false;
};

TEST_F(LargePayloads, AJobsWholeLife) {
  const auto id = submit("q", ",\"payload\":" + value('p'));
  EXPECT_EQ(blobs().count(), 1U);
  EXPECT_EQ(job(id)["payload"]["s"], text('p'));
  const auto leased = lease("q")[0];
  EXPECT_EQ(leased["payload"]["s"], text('p'));
  EXPECT_EQ(
      post(lease_path(leased) + "/heartbeat", "{\"checkpoint\":" + value('c') + "}")->status(),
      200);
  EXPECT_EQ(post(lease_path(leased) + "/release")->status(), 200);
  const auto again = lease("q")[0];
  EXPECT_EQ(again["checkpoint"]["s"], text('c'));
  EXPECT_EQ(post(lease_path(again) + "/complete", "{\"result\":" + value('r') + "}")->status(),
            200);
  EXPECT_EQ(job(id)["result"]["s"], text('r'));
  expect_log_is_small();
  EXPECT_EQ(blobs().count(), 3U);
  // Forgotten with the job.
  EXPECT_EQ(ask("DELETE", "/v1/jobs/" + id)->status(), 200);
  expect_eventually([&] { return blobs().count() == 0; }, "the chunks are deleted");
}

TEST_F(LargePayloads, SmallOnesStayInTheLog) {
  submit("q", R"(,"payload":")" + std::string(900, 's') + "\"");
  EXPECT_EQ(blobs().count(), 0U);
  EXPECT_NE(instance_->proposed_text().find(std::string(900, 's')), std::string::npos);
}

TEST_F(LargePayloads, BatchesWorkAndParkedLeases) {
  const auto parked = post("/v1/queues/b/lease", R"({"worker":"w","wait_ms":20000})");
  const auto many = post("/v1/jobs/batch", "{\"jobs\":[{\"queue\":\"b\",\"payload\":" + value('x') +
                                               "},{\"queue\":\"b\",\"payload\":1}]}");
  ASSERT_EQ(many->status(), 201) << many->wait().body;
  const auto first = parked->body()["jobs"][0];
  EXPECT_EQ(first["payload"]["s"], text('x'));
  const auto round =
      post("/v1/work", R"({"worker":"w","complete":[{"lease":")" +
                           first["lease"].get<std::string>() + "\",\"result\":" + value('y') +
                           R"(}],"lease":{"queues":["b"]}})")
          ->body();
  EXPECT_EQ(round["complete"][0]["ok"], true);
  EXPECT_EQ(job(first["id"])["result"]["s"], text('y'));
  const auto lines = ask("POST", "/v1/jobs/batch",
                         "{\"queue\":\"l\",\"payload\":" + value('z') + "}\n{\"queue\":\"l\"}\n",
                         {{"content-type", "application/x-ndjson"}});
  EXPECT_EQ(job(lines->body()["results"][0]["id"])["payload"]["s"], text('z'));
  expect_log_is_small();
}

TEST_F(LargePayloads, WhatIsReplacedIsDeleted) {
  const auto id = submit("e", ",\"payload\":" + value('1'));
  EXPECT_EQ(ask("PATCH", "/v1/jobs/" + id, "{\"payload\":" + value('2') + "}")->status(), 200);
  EXPECT_EQ(job(id)["payload"]["s"], text('2'));
  expect_eventually([&] { return blobs().count() == 1; }, "the first payload is deleted");
  EXPECT_EQ(blobs().all().find(text('1')), std::string::npos);
}

TEST_F(LargePayloads, ACopyHasItsOwn) {
  const auto id = submit("c", ",\"payload\":" + value('k'));
  EXPECT_EQ(post(lease_path(lease("c")[0]) + "/complete")->status(), 200);
  const auto copy = post("/v1/jobs/" + id + "/retry", R"({"as_new":true})")->body();
  EXPECT_EQ(ask("DELETE", "/v1/jobs/" + id)->status(), 200);
  expect_eventually([&] { return blobs().count() == 1; }, "one is left");
  EXPECT_EQ(job(copy["id"])["payload"]["s"], text('k'));
}

TEST_F(LargePayloads, AreEncryptedBeforeTheyAreCut) {
  payload_keys_ = std::make_unique<PayloadKeys>(
      *crypto::KeyRing::parse("a:" + base64_encode(std::string(32, 'a'))));
  start();
  const auto id = submit("s", ",\"payload\":" + value('s'));
  EXPECT_EQ(job(id)["payload"]["s"], text('s'));
  EXPECT_EQ(blobs().count(), 1U);
  EXPECT_EQ(blobs().all().find(kMark), std::string::npos);
  expect_log_is_small();
}

TEST_F(LargePayloads, NothingIsKeptHalf) {
  const auto long_one = std::string(100'001, 'x');
  const auto refused = post("/v1/jobs", R"({"queue":"t","payload":")" + long_one + "\"}");
  EXPECT_EQ(refused->status(), 413);
  EXPECT_EQ(refused->reason(), "payload_too_large");
  blobs().set_away(true);
  const auto away = post("/v1/jobs", "{\"queue\":\"t\",\"payload\":" + value('a') + "}");
  EXPECT_EQ(away->status(), 503);
  EXPECT_EQ(away->reason(), "large_payload_unavailable");
  blobs().set_away(false);
  EXPECT_EQ(lease("t").size(), 0U);
}

TEST_F(LargePayloads, ALostOneSaysSoAndTheJobIsGivenBack) {
  const auto id = submit("g", ",\"payload\":" + value('g'));
  blobs().lose_all();
  EXPECT_EQ(get("/v1/jobs/" + id)->status(), 409);
  EXPECT_EQ(get("/v1/jobs/" + id)->reason(), "payload_lost");
  EXPECT_EQ(post("/v1/queues/g/lease", R"({"worker":"w"})")->reason(), "payload_lost");
  EXPECT_EQ(get("/v1/jobs?queue=g")->body()["items"][0]["status"], "scheduled");
}

TEST_F(LargePayloads, WhatNeverBelongedToAJobIsDeletedAfterATime) {
  sweeps_orphans_ = true;
  ASSERT_TRUE(blobs().put("orphan"));
  start();
  expect_eventually([&] { return blobs().count() == 0; }, "the orphan is deleted");
}

TEST_F(LargePayloads, CallbacksAndSchedulesTakeNone) {
  const auto schedule = ask("PUT", "/v1/schedules/s",
                            R"({"every":"1h","job":{"queue":"s","payload":)" + value('s') + "}}");
  EXPECT_EQ(schedule->status(), 413) << schedule->wait().body;
  const auto batch =
      post("/v1/batches", R"({"on_success":{"queue":"c","payload":)" + value('c') + "}}");
  EXPECT_EQ(batch->status(), 413) << batch->wait().body;
  EXPECT_EQ(blobs().count(), 0U);
}

}  // namespace
}  // namespace weir::api
