// Names and subjects that callers may use.
#include "pkg/streams/names.hpp"

#include <gtest/gtest.h>

#include <string>

#include "pkg/streams/consumers.hpp"

namespace weir::streams {
namespace {

TEST(StreamNames, WhatBelongsToWeirIsRefused) {
  for (const auto* name : {"JOBS", "JOBS-1", "DATA", "DATA-2", "ROOMS", "WEIR_SNAPSHOTS",
                           "WEIR_BLOBS-1", "KV_app", "OBJ_files"}) {
    for (const auto access : {Access::read, Access::write}) {
      EXPECT_EQ(check_stream(name, access).error().reason, "internal_stream") << name;
    }
  }
  for (const auto* name : {"JOBS_DLQ", "JOB_EVENTS", "JOBS_DLQ-1"}) {
    EXPECT_TRUE(check_stream(name, Access::read)) << name;
    EXPECT_EQ(check_stream(name, Access::write).error().reason, "internal_stream") << name;
  }
  for (const auto* name : {"orders", "JOBSITE", "DATABASE", "a", "A_b-9", "WEIRD"}) {
    EXPECT_TRUE(check_stream(name, Access::write)) << name;
  }
}

TEST(StreamNames, WhatIsNoName) {
  for (const std::string& name :
       {std::string(), std::string("a.b"), std::string("a b"), std::string("a*"), std::string(">"),
        std::string("$X"), std::string(129, 'a'), std::string("ä")}) {
    EXPECT_EQ(check_stream(name, Access::write).error().reason, "bad_stream_name") << name;
    EXPECT_EQ(check_consumer(name).error().reason, "bad_consumer_name") << name;
  }
}

TEST(StreamSubjects, WhatCannotBeUsed) {
  for (const std::string subject :
       {"", ".", "a.", ".a", "a..b", "a b", "a.>.b", "a*", "$JS.API.INFO", "weir.log.jobs.0",
        "weir", "_INBOX.x", ">", "*", "*.a", "a.\n"}) {
    EXPECT_FALSE(check_subject(subject, Wildcards::allowed)) << subject;
  }
  for (const std::string subject : {"a", "a.b", "orders.*.x", "orders.>", "weird.x", "A-1_%"}) {
    EXPECT_TRUE(check_subject(subject, Wildcards::allowed)) << subject;
  }
  EXPECT_FALSE(check_subject("orders.*", Wildcards::refused));
  EXPECT_FALSE(check_subject("orders.>", Wildcards::refused));
}

TEST(StreamSubjects, Matching) {
  struct Case {
    const char* pattern;
    const char* subject;
    bool matches;
  };
  for (const auto& [pattern, subject, matches] :
       {Case{"a", "a", true}, Case{"a", "b", false}, Case{"a", "a.b", false},
        Case{"a.b", "a", false}, Case{"a.*", "a.b", true}, Case{"a.*", "a", false},
        Case{"a.*", "a.b.c", false}, Case{"a.>", "a.b", true}, Case{"a.>", "a.b.c", true},
        Case{"a.>", "a", false}, Case{"a.*.c", "a.b.c", true}, Case{"a.*.c", "a.b.d", false},
        Case{">", "a.b", true}}) {
    EXPECT_EQ(subject_matches(pattern, subject), matches) << pattern << " " << subject;
  }
}

TEST(AckTokens, OnlyThoseOfTheConsumer) {
  EXPECT_TRUE(is_ack_of("$JS.ACK.orders.c.1.2.3.4.5", "orders", "c"));
  EXPECT_TRUE(is_ack_of("$JS.ACK._.hash.orders.c.1.2.3.4.5.x", "orders", "c"));
  for (const auto* token :
       {"$JS.ACK.orders.c.1.2.3.4", "$JS.ACK.orders.d.1.2.3.4.5", "$JS.ACK.other.c.1.2.3.4.5",
        "$JS.API.STREAM.DELETE.orders.c.1.2.3", "$JS.ACK.orders.c.1.2.3.4.>",
        "$JS.ACK.orders.c.1.2..4.5", "$JS.ACK.orders.c.1.2.3.4. 5", ""}) {
    EXPECT_FALSE(is_ack_of(token, "orders", "c")) << token;
  }
}

}  // namespace
}  // namespace weir::streams
