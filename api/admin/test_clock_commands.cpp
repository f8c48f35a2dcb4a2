#include "api/admin/test_clock.hpp"
#include "api/core/commands.hpp"

namespace weir::api {
namespace {

constexpr std::string_view kClock = R"({"$ref":"#/components/schemas/TestClock"})";

Command clock_command(std::string_view name, std::string_view method) {
  return {.name = name,
          .method = method,
          .path = "/v1/test/clock",
          .tag = "Testing",
          .scope = auth::Scope::admin,
          .answers = {{200, "The clock.", kClock}}};
}

void set_clock(ClockSetter& setter, const replica::TestClock& clock, const Call& call) {
  const auto request = read_clock_request(call.body());
  if (!request) return call.fail(request.error());
  setter.run(*request, [call, &clock](const Result<std::uint64_t>& steps) {
    if (!steps) return call.fail(steps.error());
    call.reply(200, clock_json(clock, *steps));
  });
}

}  // namespace

void add_test_clock_commands(CommandTable& table, Services& services) {
  const auto& clock = *services.test_clock;

  Command show = clock_command("test.clock", "GET");
  show.summary = "The time of this server, which runs with a test clock";
  show.handler = [&clock](const Call& call) { call.reply(200, clock_json(clock)); };
  table.push_back(std::move(show));

  Command set = clock_command("test.clock_set", "POST");
  set.summary = "Advance the time, make it stand still or run on";
  set.description =
      "Answers when everything that became due is done: leases expired, retries and delayed jobs "
      "ready, schedules fired, in the order of their times. With `jump` the time goes there in one "
      "step, as if no coordinator had run in between.";
  set.body = Body::required_json;
  set.request_schema = R"({"type":"object","properties":{
      "advance":{"type":["string","integer"],"description":"\"1h30m\", or milliseconds"},
      "jump":{"type":"boolean","default":false},
      "freeze":{"type":"boolean","description":"true: time stands still; false: it runs on"}},
      "additionalProperties":false})";
  set.errors = {{Code::too_many_requests, "clock_busy"},
                {Code::deadline_exceeded, "clock_behind"},
                {Code::deadline_exceeded, "outcome_unknown"},
                {Code::unavailable, "nats_unavailable"}};
  set.handler = [setter = std::make_shared<ClockSetter>(services), &clock](const Call& call) {
    set_clock(*setter, clock, call);
  };
  table.push_back(std::move(set));
}

}  // namespace weir::api
