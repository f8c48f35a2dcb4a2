#include "pkg/base/assert.hpp"
#include "pkg/cron/expression.hpp"
#include "tests/fuzz/targets.hpp"

namespace weir::fuzz {

// Runs come one after the other, in a zone with clock changes too.
void try_cron(std::string_view input) {
  const auto expression = cron::Expression::parse(input);
  if (!expression) {
    WEIR_ASSERT(expression.error().reason == "bad_cron");
    return;
  }
  static const auto berlin = cron::Zone::find("Europe/Berlin");
  for (const auto& zone : {cron::Zone::utc(), berlin ? *berlin : cron::Zone::utc()}) {
    cron::SysSeconds at{std::chrono::seconds(1'800'000'000)};
    for (int run = 0; run < 3; ++run) {
      const auto next = expression->next(zone, at);
      if (!next) break;
      WEIR_ASSERT(*next > at);
      at = *next;
    }
  }
}

}  // namespace weir::fuzz
