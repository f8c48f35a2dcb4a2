// Blobs on every nats-server.
#include <gtest/gtest.h>

#include "pkg/replica/jetstream_blobs.hpp"
#include "tests/support/nats_server.hpp"

namespace weir::replica {
namespace {

using namespace std::chrono_literals;

class BlobsOnNats : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    server_.start();
    nats::ConnectOptions connect;
    connect.urls = {server_.url()};
    auto opened = nats::Connection::open(connect);
    ASSERT_TRUE(opened);
    connection_ = *opened;
    ASSERT_TRUE(connection_->wait_connected(20s));
    blobs_ = make();
  }
  std::unique_ptr<JetStreamBlobs> make() {
    return std::make_unique<JetStreamBlobs>(JetStreamBlobOptions{.chunk_bytes = 1'000}, connection_,
                                            random_);
  }
  nats::JetStream jetstream() { return nats::JetStream(connection_); }
  std::uint64_t messages() { return jetstream().stream_info("WEIR_BLOBS")->messages; }

  test::NatsServer server_{GetParam()};
  SystemRandom random_;
  std::shared_ptr<nats::Connection> connection_;
  std::unique_ptr<JetStreamBlobs> blobs_;
};
INSTANTIATE_TEST_SUITE_P(Versions, BlobsOnNats, testing::ValuesIn(test::nats_server_programs()),
                         test::version_name);

TEST_P(BlobsOnNats, WhatIsPutIsThereUntilItIsRemoved) {
  const std::string bytes = random_hex(random_, 4'500);
  const auto ref = blobs_->put(bytes);
  ASSERT_TRUE(ref) << describe(ref.error());
  EXPECT_EQ(ref->bytes, bytes.size());
  EXPECT_EQ(ref->chunks.size(), 5U);
  const auto other = blobs_->put("other");
  ASSERT_TRUE(other);
  EXPECT_EQ(*blobs_->get(*ref), bytes);
  EXPECT_EQ(*make()->get(*ref), bytes) << "by another coordinator";
  ASSERT_TRUE(blobs_->remove(ref->stream, ref->chunks));
  ASSERT_TRUE(blobs_->remove(ref->stream, ref->chunks)) << "gone already";
  EXPECT_EQ(messages(), 1U);
  EXPECT_EQ(blobs_->get(*ref).error().reason, "payload_lost");
  EXPECT_EQ(*blobs_->get(*other), "other");
}

TEST_P(BlobsOnNats, AnotherStreamOfThisNameIsNotTouched) {
  const auto ref = blobs_->put("first");
  ASSERT_TRUE(ref);
  ASSERT_TRUE(jetstream().delete_stream("WEIR_BLOBS"));
  const auto fresh = make();  // after a restart
  const auto again = fresh->put("again");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->chunks, ref->chunks) << "sequences begin again";
  EXPECT_EQ(fresh->get(*ref).error().reason, "payload_lost");
  ASSERT_TRUE(fresh->remove(ref->stream, ref->chunks));
  EXPECT_EQ(*fresh->get(*again), "again");
}

TEST_P(BlobsOnNats, ADamagedOneIsNotHandedOut) {
  auto ref = blobs_->put("whole");
  ASSERT_TRUE(ref);
  ref->sha256[0] = ref->sha256[0] == '0' ? '1' : '0';
  EXPECT_EQ(blobs_->get(*ref).error().reason, "payload_lost");
}

TEST_P(BlobsOnNats, FindsWhatNobodyKnowsAStepAtATime) {
  EXPECT_TRUE(blobs_->find_unknown(0, {}, Timestamp::max(), 10)->older.empty()) << "no stream yet";
  const auto known = blobs_->put(std::string(2'500, 'k'));
  const auto lost = blobs_->put(std::string(3'500, 'l'));
  ASSERT_TRUE(known && lost);
  const std::set<std::uint64_t> keep(known->chunks.begin(), known->chunks.end());
  const auto first = blobs_->find_unknown(0, keep, Timestamp::max(), 3);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->older.size(), 3U);
  ASSERT_NE(first->next, 0U);
  const auto rest = blobs_->find_unknown(first->next, keep, Timestamp::max(), 3);
  ASSERT_TRUE(rest);
  EXPECT_EQ(rest->next, 0U);
  auto all = first->older;
  all.insert(all.end(), rest->older.begin(), rest->older.end());
  EXPECT_EQ(all, lost->chunks);
  EXPECT_TRUE(blobs_->find_unknown(0, keep, Timestamp{}, 10)->older.empty()) << "too young";
}

}  // namespace
}  // namespace weir::replica
