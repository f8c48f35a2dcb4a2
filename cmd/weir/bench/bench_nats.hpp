// The yardstick of `weir bench`: what bare JetStream does with as many messages, published
// pipelined, then fetched in batches and acknowledged, tracking nothing.
//
// It speaks NATS's wire protocol itself, one connection and large writes, which is faster than any
// client library with a call for each message: a yardstick must not be slowed down by its user.
// Plain TCP, with user and password or a token.
#pragma once

#include <string>

#include "pkg/base/result.hpp"

namespace weir::cli {

struct NatsTarget {
  std::string host;
  std::uint16_t port = 4222;
  std::string user = {};
  std::string password = {};
  std::string token = {};
};

// "nats://[USER:PASSWORD@]HOST[:PORT]". Errors: invalid / bad_nats_url.
Result<NatsTarget> nats_target(const std::string& url);

// Of the embedded server: DATA_DIR/nats/client.json. Errors: not_found / no_embedded_nats.
Result<NatsTarget> embedded_nats_target(const std::string& data_dir);

struct YardstickPlan {
  NatsTarget target;
  std::size_t messages = 50'000;
  std::size_t payload_bytes = 256;
  std::size_t window = 2'000;  // publishes not yet acknowledged
  std::size_t fetch = 500;     // messages in one pull
};

struct YardstickResult {
  double publish_per_second = 0;
  double fetch_ack_per_second = 0;
  double end_to_end_per_second = 0;  // one after the other
  std::string server_version;
};

// On a work-queue stream of its own, which is deleted at the end. Errors: unavailable /
// nats_unavailable; unauthenticated / nats_auth; internal / jetstream_error, bench_wrong_count.
Result<YardstickResult> bench_yardstick(const YardstickPlan& plan);

}  // namespace weir::cli
