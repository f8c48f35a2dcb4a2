// Event streams over the API, on the real job machine.
#include "tests/unit/api/api_fixture.hpp"

namespace weir::api {
namespace {

using testing::HasSubstr;
using testing::Not;

class EventsTest : public ApiTest {
 protected:
  void keep_events(const std::string& queue) {
    ASSERT_EQ(ask("PUT", "/v1/queues/" + queue, R"({"events":true})")->status(), 200);
  }
  void complete(const std::string& queue) {
    const std::string token = lease(queue)[0]["lease"];
    ASSERT_EQ(post("/v1/leases/" + token + "/complete")->status(), 200);
  }
  void expect_streamed(const std::shared_ptr<Client>& client, const std::string& text) {
    expect_eventually([&] { return client->streamed().find(text) != std::string::npos; }, text);
  }
  static std::vector<std::string> ids(const std::shared_ptr<Client>& client) {
    std::vector<std::string> out;
    const auto text = client->streamed();
    for (auto at = text.find("id: "); at != std::string::npos; at = text.find("id: ", at + 1)) {
      out.push_back(text.substr(at + 4, text.find('\n', at) - at - 4));
    }
    return out;
  }
  static std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
    return found;
  }
};

TEST_F(EventsTest, LiveEventsOfEveryQueue) {
  const auto stream = get("/v1/events");
  ASSERT_EQ(stream->status(), 200);
  EXPECT_EQ(stream->wait().content_type, "text/event-stream");
  EXPECT_FALSE(stream->header("Weir-Revision").empty());
  submit("q");
  complete("q");
  expect_streamed(stream, "event: weir.job.completed\n");
  EXPECT_THAT(stream->streamed(), HasSubstr("event: weir.job.submitted\ndata: {\"specversion\""));
  EXPECT_EQ(ids(stream).size(), 3U);
}

TEST_F(EventsTest, FiltersByQueueAndType) {
  const auto queue = get("/v1/events?queue=a");
  const auto type = get("/v1/events?type=completed,weir.job.started");
  submit("a");
  submit("b");
  complete("b");
  expect_streamed(type, "weir.job.completed");
  expect_streamed(queue, "weir.job.submitted");
  EXPECT_EQ(ids(queue).size(), 1U);
  EXPECT_EQ(ids(type).size(), 2U);
}

TEST_F(EventsTest, BadParametersAreSaid) {
  EXPECT_EQ(get("/v1/events?type=done")->reason(), "bad_parameter");
  EXPECT_EQ(get("/v1/events?since=x")->reason(), "bad_parameter");
  EXPECT_EQ(get("/v1/jobs/none/events")->reason(), "job_not_found");
  submit("q");
  EXPECT_EQ(get("/v1/events?queue=q&since=0")->reason(), "events_not_kept");
}

TEST_F(EventsTest, AKeyForSomeQueuesSeesThoseOnly) {
  const auto key = make_key(R"(["jobs:read"])", R"(,"queues":["a"])");
  const auto stream = ask("GET", "/v1/events", "", as(key));
  submit("b");
  const auto job = submit("a");
  expect_streamed(stream, job);
  EXPECT_EQ(ids(stream).size(), 1U);
  EXPECT_EQ(ask("GET", "/v1/events?queue=b", "", as(key))->reason(), "queue_not_allowed");
}

TEST_F(EventsTest, ReplaysFromAnyEventWithoutGapOrDuplicate) {
  keep_events("q");
  const auto live = get("/v1/events?queue=q");
  for (int i = 0; i < 250; ++i) submit("q");  // more than a page
  expect_eventually([&] { return ids(live).size() == 250; }, "all of them live");
  const auto all = ids(live);
  for (const std::size_t from : {0U, 1U, 100U, 248U}) {
    const auto again = ask("GET", "/v1/events?queue=q", "", {{"last-event-id", all[from]}});
    submit("q");  // while it reads
    const std::vector<std::string> want(all.begin() + static_cast<std::ptrdiff_t>(from) + 1,
                                        all.end());
    expect_eventually([&] { return ids(again).size() > want.size(); }, "the replay and the rest");
    auto got = ids(again);
    got.resize(want.size());
    EXPECT_EQ(got, want);
    again->hang_up();
  }
  expect_eventually([&] { return ids(live).size() == 254; }, "the live one too");
  EXPECT_THAT(live->streamed(), Not(HasSubstr("event: gap")));
}

TEST_F(EventsTest, SaysWhatIsMissing) {
  submit("q");
  keep_events("q");
  submit("q");
  const auto stream = get("/v1/events?queue=q&since=1");
  expect_streamed(stream, "weir.job.submitted");
  EXPECT_TRUE(stream->streamed().starts_with("event: gap\n")) << stream->streamed();
}

TEST_F(EventsTest, AJobsStreamShowsItsStatusAndEndsWithIt) {
  const auto id = submit("q");
  const auto stream = get("/v1/jobs/" + id + "/events");
  submit("q");  // another one
  expect_streamed(stream, "weir.job.status");
  EXPECT_FALSE(stream->stream_ended());
  complete("q");
  expect_eventually([&] { return stream->stream_ended(); }, "the end");
  EXPECT_THAT(stream->streamed(), HasSubstr("event: weir.job.completed"));
  EXPECT_EQ(count(stream->streamed(), "\"subject\":\"" + id + "\""), 3U) << "status and two events";
  const auto late = get("/v1/jobs/" + id + "/events");
  EXPECT_TRUE(late->stream_ended());
  EXPECT_THAT(late->streamed(), HasSubstr("\"status\":\"completed\""));
}

TEST_F(EventsTest, AClientThatComesBackAfterTheEndIsSentAway) {
  keep_events("q");
  const auto id = submit("q");
  const auto stream = get("/v1/jobs/" + id + "/events");
  complete("q");
  expect_eventually([&] { return stream->stream_ended(); }, "the end");
  const auto seen = ids(stream);
  ASSERT_EQ(seen.size(), 2U);
  const auto path = "/v1/jobs/" + id + "/events";
  EXPECT_EQ(ask("GET", path, "", {{"last-event-id", seen.back()}})->status(), 204);
  const auto missed = ask("GET", path, "", {{"last-event-id", seen.front()}});
  expect_eventually([&] { return missed->stream_ended(); }, "the end");
  EXPECT_EQ(ids(missed), std::vector<std::string>{seen.back()});
}

TEST_F(EventsTest, StopEndsTheStreams) {
  const auto stream = get("/v1/events");
  api_->drain();
  EXPECT_TRUE(stream->stream_ended());
  EXPECT_TRUE(get("/v1/events")->stream_ended());
}

}  // namespace
}  // namespace weir::api
