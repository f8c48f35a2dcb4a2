#include "cmd/weir/cli/commands.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/unit/cli/fake_server.hpp"
#include "tests/unit/cli/run_command.hpp"

namespace weir::cli {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

class TempFile {
 public:
  explicit TempFile(const std::string& content) {
    std::string name = (std::filesystem::temp_directory_path() / "weir-cli-XXXXXX").string();
    ::close(::mkstemp(name.data()));
    path = name;
    std::ofstream(path) << content;
  }
  ~TempFile() { std::filesystem::remove(path); }
  std::string path;
};

Reply job(const std::string& status, const std::string& more = "") {
  return {200, R"({"id":"j1","queue":"q","type":"t","status":")" + status + "\"" + more + "}"};
}

TEST(Submit, SendsOneJobAndPrintsItsId) {
  FakeServer server([](const Asked&) {
    return Reply{201, R"({"id":"j1","status":"unprocessed"})"};
  });
  const auto ran =
      run(run_submit, {"--server", server.url(), "-q", "emails", "--id", "j1", "-p", "9", "--delay",
                       "1m", "--tag", "a", "--tag", "b", R"({"x":1})"});
  EXPECT_EQ(ran.code, kOk) << ran.err;
  EXPECT_EQ(ran.out, "j1\n");
  const auto asked = server.asked();
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(Json::parse(asked[0].body),
            Json::parse(R"({"queue":"emails","type":"default","priority":9,"delay_ms":60000,
                            "tags":["a","b"],"id":"j1","payload":{"x":1}})"));
}

TEST(Submit, TextBecomesAJsonString) {
  FakeServer server([](const Asked&) { return Reply{201, R"({"id":"j1"})"}; });
  run(run_submit, {"--server", server.url(), "hello \"you\""});
  run(run_submit, {"--server", server.url(), "--text", "12"});
  const auto asked = server.asked();
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_EQ(Json::parse(asked[0].body)["payload"], "hello \"you\"");
  EXPECT_EQ(Json::parse(asked[1].body)["payload"], "12");
}

TEST(Submit, ARetryCarriesTheSameId) {
  std::atomic<int> calls{0};
  FakeServer server([&](const Asked&) { return ++calls < 3 ? Reply{503} : job("unprocessed"); });
  EXPECT_EQ(run(run_submit, {"--server", server.url(), "1"}).code, kOk);
  const auto asked = server.asked();
  ASSERT_EQ(asked.size(), 3U);
  EXPECT_EQ(asked[0].body, asked[2].body);
}

TEST(Submit, FromLinesGoesInBatches) {
  std::string lines;
  for (int i = 0; i < 1201; ++i) lines += "file " + std::to_string(i) + "\n";
  lines += "\n{\"a\":1}";
  const TempFile file(lines);
  FakeServer server([](const Asked& asked) {
    Json results = Json::array();
    const auto body = Json::parse(asked.body);
    for (const auto& item : body["jobs"]) results.push_back({{"id", item["id"]}});
    return Reply{201, Json{{"results", results}}.dump()};
  });
  const auto ran = run(run_submit, {"--server", server.url(), "--from-lines", file.path});
  EXPECT_EQ(ran.code, kOk) << ran.err;
  EXPECT_EQ(std::ranges::count(ran.out, '\n'), 1202);
  EXPECT_THAT(ran.err, HasSubstr("1,202 jobs submitted, 0 refused"));
  const auto asked = server.asked();
  ASSERT_EQ(asked.size(), 3U);
  EXPECT_EQ(Json::parse(asked[0].body)["jobs"].size(), 500U);
  EXPECT_EQ(Json::parse(asked[0].body)["jobs"][7]["payload"], "file 7");
  EXPECT_EQ(Json::parse(asked[2].body)["jobs"].back()["payload"], Json::parse(R"({"a":1})"));
}

TEST(Submit, RefusedItemsFailTheCommand) {
  const TempFile file("a\nb\n");
  FakeServer server([](const Asked&) {
    return Reply{201, R"({"results":[{"id":"1"},{"error":"payload too large","code":413}]})"};
  });
  const auto ran = run(run_submit, {"--server", server.url(), "--from-lines", file.path});
  EXPECT_EQ(ran.code, kFailed);
  EXPECT_THAT(ran.err, HasSubstr("payload too large"));
}

TEST(Submit, WaitPrintsTheResult) {
  std::atomic<int> polls{0};
  FakeServer server([&](const Asked& asked) {
    if (asked.method == "POST") return job("unprocessed");
    return ++polls < 3 ? job("processing") : job("completed", R"(,"result":{"sum":6})");
  });
  const auto ran = run(run_submit, {"--server", server.url(), "--wait", "[1,2,3]"});
  EXPECT_EQ(ran.code, kOk);
  EXPECT_EQ(ran.out, "{\"sum\":6}\n");
  EXPECT_EQ(polls, 3);
}

TEST(Submit, WaitFailsWhenTheJobDoes) {
  FakeServer server([](const Asked& asked) {
    return asked.method == "POST" ? job("unprocessed")
                                  : job("dlq", R"(,"error":{"message":"boom"})");
  });
  const auto ran = run(run_submit, {"--server", server.url(), "--wait", "1"});
  EXPECT_EQ(ran.code, kFailed);
  EXPECT_THAT(ran.err, HasSubstr("boom"));
}

TEST(Submit, DependenciesAndABatchGoWithTheJob) {
  FakeServer server([](const Asked&) { return Reply{201, R"({"id":"j1"})"}; });
  run(run_submit, {"--server", server.url(), "--id", "j1", "--depends-on", "a,b", "--depends-on",
                   "c", "--on-failure", "run", "--batch", "b1", "1"});
  ASSERT_EQ(server.asked().size(), 1U);
  const auto body = Json::parse(server.asked()[0].body);
  EXPECT_EQ(body["depends_on"], Json::parse(R"(["a","b","c"])"));
  EXPECT_EQ(body["on_failure"], "run");
  EXPECT_EQ(body["batch"], "b1");
  EXPECT_EQ(run(run_submit, {"--depends-on", "a,,b", "1"}).code, kUsage);
  EXPECT_EQ(run(run_submit, {"--on-failure", "run", "1"}).code, kUsage);
}

TEST(Batch, CreateSendsCallbacksAndJobs) {
  const TempFile file("{\"queue\":\"q\"}\n\n{\"queue\":\"q\",\"payload\":2}\n");
  FakeServer server([](const Asked&) { return Reply{201, R"({"id":"b1","status":"sealed"})"}; });
  const auto ran = run(run_batch, {"create", "--server", server.url(), "--id", "b1", "--jobs",
                                   file.path, "--on-success", R"({"queue":"r"})"});
  EXPECT_EQ(ran.out, "b1\n") << ran.err;
  ASSERT_EQ(server.asked().size(), 1U);
  EXPECT_EQ(Json::parse(server.asked()[0].body),
            Json::parse(R"({"id":"b1","on_success":{"queue":"r"},
                            "jobs":[{"queue":"q"},{"queue":"q","payload":2}],"seal":true})"));
  EXPECT_EQ(run(run_batch, {"create", "--on-success", "[]"}).code, kUsage);
  EXPECT_EQ(run(run_batch, {"create", "--open"}).code, kUsage);
}

TEST(Batch, WaitFailsWhenItDidNotSucceed) {
  std::atomic<int> polls{0};
  FakeServer server([&](const Asked&) {
    return Reply{
        200, ++polls < 3 ? R"({"id":"b1","status":"sealed"})" : R"({"id":"b1","status":"failed"})"};
  });
  EXPECT_EQ(run(run_batch, {"wait", "b1", "--server", server.url()}).code, kFailed);
  EXPECT_EQ(polls, 3);
}

TEST(Batch, ShowsWhatThereIs) {
  FakeServer server([](const Asked& asked) {
    if (asked.path != "/v1/batches")
      return Reply{200, R"({"id":"b1","status":"sealed",
      "total":1500,"pending":1200})"};
    return Reply{200, R"({"items":[{"id":"b1","status":"open","total":3,"pending":2,
      "counts":{"completed":1,"dlq":0},"name":"album"}],"next_cursor":null})"};
  });
  EXPECT_THAT(run(run_batch, {"list", "--server", server.url()}).out,
              HasSubstr("b1  open    3     2        1          0    album"));
  EXPECT_EQ(run(run_batch, {"cancel", "b1", "--server", server.url()}).out,
            "batch b1 is sealed, 1,200 of 1,500 jobs pending\n");
  EXPECT_EQ(server.asked().back().path, "/v1/batches/b1/cancel");
}

TEST(Key, IsReadFromFileEnvironmentAndDataDir) {
  FakeServer server([](const Asked&) { return Reply{200, R"({"items":[]})"}; });
  const TempFile file("from-file\n");
  const auto folder =
      std::filesystem::temp_directory_path() / ("weir-key-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "admin-key") << "from-data-dir\n";
  ::setenv("WEIR_API_KEY", "from-environment", 1);
  run(run_key, {"list", "--server", server.url(), "--key-file", file.path});
  run(run_key, {"list", "--server", server.url(), "--data-dir", folder.string()});
  ::unsetenv("WEIR_API_KEY");
  run(run_key, {"list", "--server", server.url(), "--data-dir", folder.string()});
  std::filesystem::remove_all(folder);
  const auto asked = server.asked();
  ASSERT_EQ(asked.size(), 3U);
  EXPECT_EQ(asked[0].authorization, "Bearer from-file");
  EXPECT_EQ(asked[1].authorization, "Bearer from-environment");
  EXPECT_EQ(asked[2].authorization, "Bearer from-data-dir");
}

TEST(Job, ListShowsATableOrJson) {
  FakeServer server([](const Asked&) {
    return Reply{200, R"({"items":[{"id":"j1","queue":"q","type":"t","status":"failed","attempt":2,
      "max_attempts":3,"created_at":"2020-01-01T00:00:00.000Z","error":{"message":"no\u001b[2J"}}],
      "next_cursor":"abc","total_items":1234})"};
  });
  const auto table = run(run_job, {"list", "--server", server.url(), "--status", "failed"});
  EXPECT_THAT(table.out, HasSubstr("j1  q      t     failed  2/3"));
  EXPECT_THAT(table.out, HasSubstr("1,234 in total"));
  EXPECT_THAT(table.out, HasSubstr("--cursor abc"));
  EXPECT_THAT(table.out, Not(HasSubstr("\033")));
  EXPECT_EQ(server.asked()[0].path, "/v1/jobs?status=failed");
  const auto json = run(run_job, {"list", "--json", "--server", server.url()});
  EXPECT_EQ(Json::parse(json.out)["items"][0]["id"], "j1");
}

TEST(Job, ExplainShowsTheReasons) {
  FakeServer server([](const Asked& asked) {
    EXPECT_EQ(asked.path, "/v1/jobs/j1/explain");
    return Reply{200, R"({"id":"j1","queue":"q","status":"unprocessed","next_at":null,"reasons":[
      {"code":"queue_paused","message":"the queue q is paused"}]})"};
  });
  const auto ran = run(run_job, {"explain", "j1", "--server", server.url()});
  EXPECT_EQ(ran.code, kOk) << ran.err;
  EXPECT_EQ(ran.out, "job j1 of queue q is unprocessed\n- the queue q is paused  [queue_paused]\n");
}

struct CodeCase {
  int status;
  int exit;
};
class ExitCodes : public testing::TestWithParam<CodeCase> {};
TEST_P(ExitCodes, FollowTheAnswer) {
  FakeServer server([](const Asked&) { return Reply{GetParam().status, R"({"error":"No."})"}; });
  const auto ran = run(run_job, {"get", "x", "--server", server.url(), "--retry-for", "0s"});
  EXPECT_EQ(ran.code, GetParam().exit);
  EXPECT_THAT(ran.err, HasSubstr("weir: No."));
}
INSTANTIATE_TEST_SUITE_P(Table, ExitCodes,
                         testing::Values(CodeCase{401, kAuth}, CodeCase{403, kAuth},
                                         CodeCase{404, kNotFound}, CodeCase{409, kConflict},
                                         CodeCase{422, kUsage}, CodeCase{503, kUnavailable},
                                         CodeCase{500, kFailed}));

TEST(ExitCode, UnreachableIsUnavailable) {
  const auto ran = run(run_job, {"get", "x", "--server", dead_url(), "--retry-for", "0s"});
  EXPECT_EQ(ran.code, kUnavailable);
  EXPECT_THAT(ran.err, HasSubstr("is `weir serve` running?"));
}

constexpr const char* kHealth =
    R"({"status":"STATUS","components":{"nats":{"status":"operational"}},
  "version":"0.1.0","uptime":"2h30m","nats":{"url":"nats://h:1","version":"2.10.27"},
  "streams":[{"name":"JOBS","messages":42,"bytes":2048,"consumers":1}],"kv_buckets":[],
  "jobs":{"total":100,"unprocessed":5,"processing":2,"completed":90,"failed":3,"dlq":0}})";

Reply health(int status, const std::string& word) {
  std::string body = kHealth;
  body.replace(body.find("STATUS"), 6, word);
  return {status, body};
}

TEST(Status, ExitCodeFollowsHealth) {
  const std::pair<Reply, int> cases[]{{health(200, "ok"), kOk},
                                      {health(200, "degraded"), kFailed},
                                      {health(503, "unhealthy"), kUnavailable},
                                      {Reply{401, R"({"error":"No key."})"}, kAuth}};
  for (const auto& [reply, exit] : cases) {
    FakeServer server([reply = reply](const Asked&) { return reply; });
    EXPECT_EQ(run(run_status, {"--server", server.url()}).code, exit) << reply.body;
  }
}

TEST(Status, ShowsWhatPeopleWant) {
  FakeServer server([](const Asked&) { return health(200, "ok"); });
  const auto ran = run(run_status, {"--server", server.url()});
  EXPECT_THAT(ran.out, HasSubstr("weir 0.1.0, up 2h30m; nats 2.10.27 at nats://h:1"));
  EXPECT_THAT(ran.out, HasSubstr("JOBS    42        2.0 KiB  1"));
  EXPECT_THAT(ran.out, HasSubstr("completed"));
}

TEST(Doctor, FindsADeadServerAndAGoodOne) {
  EXPECT_EQ(run(run_doctor, {"--server", dead_url(), "--data-dir", "/nonexistent"}).code, kFailed);
  FakeServer server([](const Asked&) { return health(200, "ok"); });
  const auto ran =
      run(run_doctor, {"--server", server.url(), "--data-dir", "/nonexistent", "--json"});
  EXPECT_EQ(ran.code, kOk) << ran.out;
  EXPECT_THAT(Json::parse(ran.out)["findings"].dump(), HasSubstr("2.10.27 works"));
}

TEST(Queue, PurgeAsksFirst) {
  FakeServer server([](const Asked&) { return Reply{200, R"({"purged":12})"}; });
  EXPECT_EQ(run(run_queue, {"purge", "q", "--server", server.url()}).code, kUsage);
  EXPECT_EQ(server.asked().size(), 0U);
  const auto ran = run(run_queue, {"purge", "q/x", "--yes", "--server", server.url()});
  EXPECT_EQ(ran.out, "12 jobs deleted\n");
  EXPECT_EQ(server.asked()[0].path, "/v1/queues/q%2Fx/purge");
}

TEST(Job, CancelManyWantsAFilterAndAYes) {
  FakeServer server([](const Asked&) {
    return Reply{200, R"({"matched":2,"cancelled":1,"cancel_requested":1,"next_cursor":null})"};
  });
  EXPECT_EQ(run(run_job, {"cancel-many", "--yes", "--server", server.url()}).code, kUsage);
  EXPECT_EQ(run(run_job, {"cancel-many", "--queue", "q", "--server", server.url()}).code, kUsage);
  EXPECT_EQ(server.asked().size(), 0U);
  const auto ran = run(run_job, {"cancel-many", "--queue", "q", "--metadata", "t=a", "--yes",
                                 "--server", server.url()});
  EXPECT_EQ(ran.out, "1 jobs cancelled, 1 running ones told to stop\n");
  EXPECT_EQ(server.asked()[0].body, R"({"filter":{"queue":"q","metadata":{"t":"a"}}})");
}

TEST(Groups, UnknownWordsGetASuggestion) {
  const auto ran = run(run_queue, {"lst"});
  EXPECT_EQ(ran.code, kUsage);
  EXPECT_THAT(ran.err, HasSubstr("did you mean `weir queue list`?"));
}

using Runner = int (*)(Args);
TEST(Help, EveryCommandHasAnExample) {
  const std::vector<std::pair<Runner, std::vector<std::string>>> all{
      {run_submit, {""}},
      {run_work, {""}},
      {run_status, {""}},
      {run_bench, {""}},
      {run_doctor, {""}},
      {run_config, {""}},
      {run_completion, {""}},
      {run_events, {""}},
      {run_audit, {""}},
      {run_job,
       {"get", "list", "wait", "timeline", "explain", "cancel", "cancel-many", "retry", "promote",
        "delete"}},
      {run_queue, {"list", "get", "set", "pause", "resume", "purge", "delete"}},
      {run_dlq, {"list", "get", "redrive", "purge"}},
      {run_pubsub, {"pub", "sub"}},
      {run_key, {"create", "list", "revoke", "rotate"}}};
  for (const auto& [command, words] : all) {
    for (const auto& word : words) {
      std::vector<std::string> args;
      if (!word.empty()) args.push_back(word);
      args.push_back("--help");
      const auto ran = run(command, args);
      EXPECT_EQ(ran.code, kOk) << word;
      EXPECT_THAT(ran.out, HasSubstr("Example")) << word;
    }
  }
}

TEST(Config, ShowsWhereValuesComeFrom) {
  const TempFile file(R"({"log_level":"warn"})");
  const auto ran = run(run_config, {"--config", file.path, "--http", "127.0.0.1:9", "--json"});
  EXPECT_EQ(ran.code, kOk) << ran.err;
  const auto body = Json::parse(ran.out);
  EXPECT_EQ(body["log_level"]["origin"], "file");
  EXPECT_EQ(body["http"]["value"], "127.0.0.1:9");
  EXPECT_EQ(run(run_config, {"--http", "nonsense"}).code, kUsage);
}

}  // namespace
}  // namespace weir::cli
