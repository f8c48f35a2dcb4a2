#include "cmd/weir/cli/follow.hpp"

#include <thread>

namespace weir::cli {
namespace {

constexpr Millis kFirstPause{200};
constexpr Millis kLongestPause{5'000};
// The server is heard of every 15 s.
constexpr Millis kSilence{45'000};

bool may_pass(const Error& error) {
  return error.code == Code::unavailable || error.code == Code::deadline_exceeded ||
         error.code == Code::too_many_requests;
}

}  // namespace

Result<int> follow(Context& context, const Followed& followed) {
  EventParser parser;
  Millis pause = kFirstPause;
  bool over = false;
  std::size_t refusals = 0;  // one after the other: an outage is told when no server is left
  auto give_up = std::chrono::steady_clock::now() + context.client().retry_for();
  const auto receive = [&](std::string_view bytes) {
    pause = kFirstPause;
    give_up = MonoTime::max();
    refusals = 0;
    parser.feed(bytes, [&](const auto& event) {
      over = over || !followed.show(event) || output_error() != 0;
    });
    return !over;
  };
  for (;;) {
    const bool goes_on = followed.resumes && !parser.last_id().empty();
    const std::string position = goes_on ? parser.last_id() : followed.since;
    parser.restart();
    const auto ended =
        context.client().stream({.path = followed.path, .wait = kSilence}, position, receive);
    if (over || (ended && *ended == 204)) return kOk;
    Millis asked{0};
    if (!ended) {
      const auto& error = ended.error();
      const bool connected_once = give_up == MonoTime::max();
      if (!may_pass(error) || std::chrono::steady_clock::now() + pause > give_up) return error;
      if (!connected_once && error.reason == "tls_failed") return error;
      asked = error.retry_after;
      const bool refused = error.reason != "outcome_unknown";
      if (connected_once && refused && ++refusals == context.client().server_count()) {
        print_error({error.code, error.reason, error.message, "trying again"});
      }
    }
    std::this_thread::sleep_for(std::max(pause, asked));
    pause = std::min(pause * 2, kLongestPause);
  }
}

}  // namespace weir::cli
