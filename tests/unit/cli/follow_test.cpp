// Every command that follows something: what it shows, and how it comes back.
#include "cmd/weir/cli/follow.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/cli/fake_server.hpp"
#include "tests/unit/cli/run_command.hpp"

namespace weir::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using Runner = int (*)(Args);

struct Verb {
  std::string name;
  Runner run;
  std::vector<std::string> args;
  std::string path;    // that is asked for
  std::string first;   // the frames of the first connection, ids 1 and 2
  std::string second;  // of the third, id 3
  std::string out;     // of all
  bool resumes = true;
};
void PrintTo(const Verb& verb, std::ostream* out) {
  *out << verb.name;
}

std::vector<std::string> with_server(const Verb& verb, const std::string& server) {
  auto args = verb.args;
  args.insert(args.end(), {"--server", server, "--retry-for", "0s"});
  return args;
}

class FollowVerbs : public testing::TestWithParam<Verb> {
 protected:
  const Verb& verb_ = GetParam();
};

TEST_P(FollowVerbs, GoOnAfterTheLastEventThatWasShown) {
  std::atomic<int> connections{0};
  FakeServer server([&](const Asked&) {
    const int number = ++connections;
    // The third event is cut off: it comes again.
    if (number == 1) return Reply{200, verb_.first + "id: 3\ndata: {}\n"};
    if (number == 2) return Reply{503, R"({"error":"Starting."})"};
    if (number == 3) return Reply{200, verb_.second};
    return Reply{403, R"({"error":"No."})"};
  });
  const auto ran = run(verb_.run, with_server(verb_, server.url()));
  EXPECT_EQ(ran.code, kAuth) << ran.err;
  EXPECT_EQ(ran.out, verb_.out);
  EXPECT_THAT(ran.err, HasSubstr("weir: Starting. (trying again)\n"));
  std::vector<std::string> positions;
  for (const auto& asked : server.asked()) {
    EXPECT_EQ(asked.path, verb_.path);
    positions.push_back(asked.last_event_id);
  }
  if (verb_.resumes) {
    EXPECT_THAT(positions, ElementsAre("", "2", "2", "3"));
  } else {
    EXPECT_THAT(positions, ElementsAre("", "", "", ""));
  }
}

TEST_P(FollowVerbs, EndWhenThereIsNoMore) {
  FakeServer server([&](const Asked&) { return Reply{204, ""}; });
  const auto ran = run(verb_.run, with_server(verb_, server.url()));
  EXPECT_EQ(ran.code, kOk) << ran.err;
  EXPECT_EQ(server.asked().size(), 1U);
}

std::string frame(int id, const std::string& type, const std::string& data) {
  return "id: " + std::to_string(id) + (type.empty() ? "" : "\nevent: " + type) +
         "\ndata: " + data + "\n\n";
}

std::string job_event(int id, const std::string& word) {
  return frame(
      id, "weir.job." + word,
      R"({"type":"weir.job.)" + word + R"(","time":"T","subject":"j","data":{"queue":"q"}})");
}

std::string kv_change(int revision) {
  return frame(
      revision, "put",
      R"({"revision":)" + std::to_string(revision) + R"(,"operation":"put","key":"k","value":7})");
}

std::string room_event(int offset) {
  return frame(offset, "",
               R"({"offset":)" + std::to_string(offset) + R"(,"event_type":"t","data":{"a":1}})");
}

std::string pubsub_message(int id) {
  return frame(id, "message", R"({"topic":"a.b","message":)" + std::to_string(id) + "}");
}

std::string stream_message(int sequence) {
  return frame(
      sequence, "message",
      R"({"sequence":)" + std::to_string(sequence) + R"(,"at":"-","subject":"s","data":5})");
}

std::string log_line(int id) {
  return frame(
      id, "log",
      R"({"at":"T","attempt":1,"level":"info","message":"m)" + std::to_string(id) + R"("})");
}

INSTANTIATE_TEST_SUITE_P(
    Table, FollowVerbs,
    testing::Values(Verb{"Events",
                         run_events,
                         {"--queue", "q"},
                         "/v1/events?queue=q",
                         job_event(1, "submitted") + job_event(2, "started"),
                         job_event(3, "completed"),
                         "T  submitted     j  q\nT  started       j  q\nT  completed     j  q\n"},
                    Verb{"EventsOfAJob",
                         run_events,
                         {"--job", "j"},
                         "/v1/jobs/j/events",
                         job_event(1, "submitted") + job_event(2, "started"),
                         job_event(3, "progress"),
                         "T  submitted     j  q\nT  started       j  q\nT  progress      j  q\n"},
                    Verb{"JobLogs",
                         run_job,
                         {"logs", "j", "--follow"},
                         "/v1/jobs/j/logs?follow=true",
                         log_line(1) + log_line(2),
                         log_line(3),
                         "T  #1  info   m1\nT  #1  info   m2\nT  #1  info   m3\n"},
                    Verb{"KvWatch",
                         run_kv,
                         {"watch", "k"},
                         "/v1/kv/default/k?watch=true",
                         kv_change(1) + kv_change(2),
                         kv_change(3),
                         "1  put  k  7\n2  put  k  7\n3  put  k  7\n"},
                    Verb{"RoomTail",
                         run_room,
                         {"tail", "r"},
                         "/v1/rooms/r/events?follow=true",
                         room_event(1) + room_event(2),
                         room_event(3),
                         "1  t  {\"a\":1}\n2  t  {\"a\":1}\n3  t  {\"a\":1}\n"},
                    Verb{"StreamTail",
                         run_stream,
                         {"tail", "s"},
                         "/v1/streams/s/tail",
                         stream_message(1) + stream_message(2),
                         stream_message(3),
                         "1  -  s  5\n2  -  s  5\n3  -  s  5\n"},
                    Verb{"PubsubSub",
                         run_pubsub,
                         {"sub", "a.b"},
                         "/v1/pubsub/a.b",
                         pubsub_message(1) + pubsub_message(2),
                         pubsub_message(3),
                         "a.b  1\na.b  2\na.b  3\n",
                         false}),
    [](const auto& verb) { return verb.param.name; });

TEST(Follow, BeginsWhereItIsTold) {
  FakeServer server([&](const Asked&) { return Reply{204, ""}; });
  run(run_events, {"--since", "812", "--server", server.url()});
  ASSERT_EQ(server.asked().size(), 1U);
  EXPECT_EQ(server.asked()[0].last_event_id, "812");
}

// A server that stops ends its streams properly: that is not the end of the job.
TEST(Follow, AJobIsFollowedToItsEnd) {
  std::atomic<int> connections{0};
  FakeServer server([&](const Asked&) {
    return Reply{200, ++connections == 1 ? job_event(1, "started")
                                         : job_event(2, "completed") + job_event(3, "retried")};
  });
  const auto ran = run(run_events, {"--job", "j", "--server", server.url()});
  EXPECT_EQ(ran.code, kOk) << ran.err;
  EXPECT_EQ(ran.out, "T  started       j  q\nT  completed     j  q\n");
  EXPECT_EQ(server.asked().size(), 2U);
}

TEST(Follow, AJobThatHasEndedIsShownOnce) {
  FakeServer server([&](const Asked&) {
    return Reply{200,
                 "event: weir.job.status\ndata: "
                 R"({"type":"weir.job.status","subject":"j","data":{"status":"dlq"}})"
                 "\n\n"};
  });
  const auto ran = run(run_events, {"--job", "j", "--server", server.url()});
  EXPECT_EQ(ran.code, kOk) << ran.err;
  EXPECT_EQ(ran.out, "-  dlq           j  -\n");
  EXPECT_EQ(server.asked().size(), 1U);
}

TEST(Follow, LogsEndWithTheJob) {
  FakeServer server([&](const Asked&) {
    return Reply{200, log_line(1) + "event: end\ndata: {\"reason\":\"job_ended\"}\n\n"};
  });
  const auto ran = run(run_job, {"logs", "j", "--follow", "--server", server.url()});
  EXPECT_EQ(ran.code, kOk) << ran.err;
  EXPECT_EQ(ran.out, "T  #1  info   m1\n");
}

TEST(Follow, AServerThatWasNeverThereIsGivenUp) {
  const auto ran = run(run_room, {"tail", "r", "--server", dead_url(), "--retry-for", "300ms"});
  EXPECT_EQ(ran.code, kUnavailable);
  EXPECT_THAT(ran.err, HasSubstr("is `weir serve` running?"));
}

TEST(Follow, TheServersAreTriedInTurn) {
  std::atomic<int> connections{0};
  FakeServer server([&](const Asked&) {
    return ++connections == 1 ? Reply{200, room_event(1)} : Reply{204, ""};
  });
  const auto ran = run(run_room, {"tail", "r", "--server", dead_url() + "," + server.url()});
  EXPECT_EQ(ran.code, kOk) << ran.err;
  EXPECT_EQ(ran.out, "1  t  {\"a\":1}\n");
  EXPECT_EQ(server.asked().back().last_event_id, "1");
}

TEST(Follow, AServerThatGoesIsNoOutageWhileAnotherAnswers) {
  std::atomic<int> connections{0};
  const auto handler = [&](const Asked&) {
    const int number = ++connections;
    if (number == 1) return Reply{200, room_event(1)};
    return number == 2 ? Reply{503, R"({"error":"Stopping."})"} : Reply{204, ""};
  };
  FakeServer one(handler);
  FakeServer two(handler);
  const auto ran = run(run_room, {"tail", "r", "--server", one.url() + "," + two.url()});
  EXPECT_EQ(ran.code, kOk) << ran.err;
  EXPECT_EQ(ran.err, "");
  EXPECT_EQ(two.asked().size(), 1U);
}

}  // namespace
}  // namespace weir::cli
