#include "pkg/nats/leftovers.hpp"

#include <algorithm>

#include "pkg/json/view.hpp"
#include "pkg/log/log.hpp"

namespace weir::nats {
namespace {

constexpr std::size_t kToSeconds = std::string_view("2026-11-21T16:32:16").size();

// The digits after the second, nine of them.
std::string fraction_of(std::string_view time) {
  std::string digits;
  if (time.size() > kToSeconds && time[kToSeconds] == '.') {
    const auto rest = time.substr(kToSeconds + 1);
    digits = rest.substr(0, rest.find('Z'));
  }
  digits.resize(9, '0');
  return digits;
}

}  // namespace

bool is_before(std::string_view a, std::string_view b) {
  const auto order = a.substr(0, kToSeconds).compare(b.substr(0, kToSeconds));
  return order != 0 ? order < 0 : fraction_of(a) < fraction_of(b);
}

Result<bool> drop_leftovers(const JetStream& jetstream, std::string_view created) {
  const json::View answer(created);
  if (!answer.find("did_create").as_bool().value_or(false)) return false;
  const auto state = answer.find("state");
  if (state.find("messages").as_int().value_or(0) == 0) return false;
  const auto born = answer.find("created").as_string().value_or("");
  const auto first = state.find("first_ts").as_string().value_or("");
  if (!is_before(first, born)) return false;
  const auto name = answer.find("config").find("name").as_string().value_or("");
  const auto last = state.find("last_seq").as_int().value_or(0);
  log::info("stream_leftovers_dropped", {{"stream", name}, {"to", std::to_string(last)}});
  WEIR_TRY(jetstream.purge_below(name, static_cast<std::uint64_t>(last) + 1));
  return true;
}

}  // namespace weir::nats
