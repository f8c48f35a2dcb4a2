#include "jobs/events.hpp"
#include "jobs/event_query.hpp"
#include "pkg/base/time_text.hpp"
#include "tests/unit/jobs/harness.hpp"

namespace weir::jobs {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<KeptEvent> kept(Harness& h, const EventFilter& filter = {},
                            EventPosition after = {0, 0}) {
  std::vector<KeptEvent> out;
  h.read([&](sqlite::Database& db) -> Result<std::string> {
    for (;;) {
      auto page = read_events(db, filter, after, 3);
      for (auto& event : page.events) out.push_back(std::move(event));
      after = page.through;
      if (!page.more) return std::string("{}");
    }
  });
  return out;
}

std::vector<std::string> words(const std::vector<KeptEvent>& events) {
  std::vector<std::string> out;
  for (const auto& event : events) out.push_back(event.word);
  return out;
}

void turn_on(Harness& h, const std::string& queue = "q", const std::string& more = "") {
  h.must(h.requests.queue_config(queue, json::View("{\"events\":true" + more + "}")));
}

TEST(Events, NothingIsKeptUnlessTheQueueSaysSo) {
  Harness h;
  submit(h, "a");
  h.complete(h.lease_one());
  EXPECT_THAT(kept(h), IsEmpty());
  EXPECT_THAT(h.effects, IsEmpty());
  EXPECT_THAT(h.published, IsEmpty());
}

TEST(Events, ACloudEventForEachChange) {
  Harness h;
  turn_on(h);
  submit(h, "a", "q", R"(,"type":"mail","priority":7)");
  const auto before = h.revision;
  h.complete(h.lease_one());
  const auto events = kept(h);
  ASSERT_THAT(words(events), ElementsAre("submitted", "started", "completed"));
  const json::View last(events[2].text);
  EXPECT_EQ(text(events[2].text, "specversion"), "1.0");
  EXPECT_EQ(text(events[2].text, "type"), "weir.job.completed");
  EXPECT_EQ(text(events[2].text, "source"), "/v1/queues/q");
  EXPECT_EQ(text(events[2].text, "subject"), "a");
  EXPECT_EQ(text(events[2].text, "id"), std::to_string(before + 2) + "-1");
  EXPECT_EQ(text(events[2].text, "time"), format_rfc3339(h.clock.wall()));
  const auto data = last.find("data").raw();
  EXPECT_EQ(text(data, "queue"), "q");
  EXPECT_EQ(text(data, "type"), "mail");
  EXPECT_EQ(text(data, "status"), "completed");
  EXPECT_EQ(text(data, "previous_status"), "processing");
  EXPECT_EQ(text(data, "attempt"), "1");
  EXPECT_EQ(text(data, "priority"), "7");
  EXPECT_EQ(text(data, "worker"), "w1");
}

TEST(Events, ArePublishedAsEffectsToo) {
  Harness h;
  turn_on(h, "mail.eu");
  submit(h, "a", "mail.eu");
  ASSERT_EQ(h.effects.size(), 1U);
  EXPECT_EQ(h.effects[0].subject, "weir.events.mail.eu.submitted");
  EXPECT_EQ(h.effects[0].body, kept(h)[0].text);
}

TEST(Events, EveryWordOfTheLifeOfAJob) {
  Harness h;
  turn_on(h, "q", R"(,"max_attempts":2,"backoff":{"kind":"fixed","delay_ms":1000,"jitter":0})");
  submit(h, "a", "q", R"(,"delay_ms":1000)");
  h.advance(Millis{1000});
  h.tick();
  h.must(h.requests.release(h.lease_one(), json::View()));
  h.fail(h.lease_one(), R"({"error":{"message":"no"}})");
  h.advance(Millis{1000});
  h.tick();
  h.fail(h.lease_one());
  h.must(h.requests.retry("a", json::View("{}")));
  h.must(h.requests.cancel("a", json::View("{}")));
  h.must(h.requests.remove("a"));
  EXPECT_THAT(words(kept(h)),
              ElementsAre("submitted", "ready", "started", "released", "started", "retried",
                          "ready", "started", "dead_lettered", "requeued", "cancelled", "removed"));
  const auto retried = kept(h, {.words = {"retried"}}).at(0).text;
  EXPECT_EQ(text(json::View(retried).find("data").find("error").raw(), "message"), "no");
  EXPECT_EQ(text(json::View(retried).find("data").raw(), "run_at"), format_rfc3339(h.clock.wall()));
}

TEST(Events, PurgedJobsAreTold) {
  Harness h;
  turn_on(h);
  submit(h, "a");
  submit(h, "b");
  h.must(h.requests.purge("q"));
  const auto events = kept(h, {.words = {"removed"}});
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(text(events[0].text, "subject"), "a");
  EXPECT_EQ(events[0].position.revision, events[1].position.revision);
  EXPECT_LT(events[0].position.ordinal, events[1].position.ordinal);
}

TEST(Events, AWaitingWorkerStartsAJobInTheSameOperation) {
  Harness h;
  turn_on(h);
  ASSERT_TRUE(h.park("w1"));
  submit(h, "a");
  EXPECT_THAT(words(kept(h)), ElementsAre("submitted", "started"));
}

TEST(Events, ListeningChangesNothing) {
  Harness quiet;
  Harness heard;
  heard.listens = true;
  for (Harness* h : {&quiet, &heard}) {
    turn_on(*h, "on");
    submit(*h, "a", "on");
    submit(*h, "b", "off");
    h->complete(h->lease_one("off"));
    h->complete(h->lease_one("on"));
  }
  EXPECT_EQ(quiet.dump(), heard.dump());
  EXPECT_EQ(heard.published.size(), 6U);
  EXPECT_THAT(quiet.published, IsEmpty());
  EXPECT_EQ(heard.published.back(), kept(heard).back().text);
}

TEST(Events, AreReadFromAPosition) {
  Harness h;
  turn_on(h);
  for (const char* id : {"a", "b", "c", "d", "e"}) submit(h, id);
  const auto all = kept(h);
  ASSERT_EQ(all.size(), 5U);
  EXPECT_EQ(kept(h, {}, all[2].position).size(), 2U);
  EXPECT_EQ(kept(h, {}, {all[2].position.revision}).size(), 2U);
  EXPECT_EQ(kept(h, {.job = "c"}).size(), 1U);
  EXPECT_EQ(kept(h, {.queue = "other"}).size(), 0U);
}

TEST(Events, APositionIsARevisionOrAnEvent) {
  EXPECT_EQ(parse_event_position("812"), (EventPosition{812}));
  EXPECT_EQ(parse_event_position("812-3"), (EventPosition{812, 3}));
  for (const char* bad : {"", "-", "x", "1-", "-1", "1-x", "1.5", "99999999999999999999"})
    EXPECT_FALSE(parse_event_position(bad)) << bad;
}

TEST(Events, WhatIsNotKeptIsSaid) {
  Harness h;
  submit(h, "before");
  turn_on(h);
  const auto since = static_cast<std::int64_t>(h.revision);
  submit(h, "a");
  const auto gap = [&](std::string_view queue, EventPosition after) {
    std::string out;
    h.read([&](sqlite::Database& db) -> Result<std::string> {
      const auto found = find_event_gap(db, queue, after);
      out = !found   ? found.error().reason
            : *found ? std::to_string((*found)->oldest_revision)
                     : "none";
      return std::string("{}");
    });
    return out;
  };
  EXPECT_EQ(gap("q", {since}), "none");
  EXPECT_EQ(gap("q", {since - 1}), std::to_string(since + 1));
  EXPECT_EQ(gap("", {0}), "none");
  EXPECT_EQ(gap("other", {since}), "events_not_kept");
  h.must(h.requests.queue_config("q", json::View(R"({"events":false})")));
  EXPECT_EQ(gap("q", {since}), "events_not_kept");
}

TEST(Events, OldOnesAreDroppedByAgeAndTheGapIsKnown) {
  Harness h;
  turn_on(h);
  submit(h, "a");
  const auto dropped = static_cast<std::int64_t>(h.revision);
  h.advance(kEventsKept);
  EXPECT_EQ(h.machine->next_due(), from_unix_ms(to_unix_ms(h.clock.wall())));
  submit(h, "b");
  h.tick();
  EXPECT_THAT(words(kept(h)), ElementsAre("submitted"));
  const auto has_gap = [&](EventPosition after) {
    bool gap = false;
    h.read([&](sqlite::Database& db) -> Result<std::string> {
      gap = find_event_gap(db, "", after)->has_value();
      return std::string("{}");
    });
    return gap;
  };
  EXPECT_TRUE(has_gap({dropped - 1}));
  EXPECT_FALSE(has_gap({dropped}));
  h.restart();
  EXPECT_TRUE(has_gap({dropped - 1})) << "also after a restart";
  h.advance(kEventsKept);
  h.tick();
  EXPECT_THAT(kept(h), IsEmpty());
}

}  // namespace
}  // namespace weir::jobs
