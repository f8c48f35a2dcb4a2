#include "pkg/base/assert.hpp"
#include "pkg/json/view.hpp"
#include "pkg/replica/entry.hpp"
#include "tests/fuzz/targets.hpp"

namespace weir::fuzz {

// An entry that is taken is whole: built again from its parts it reads the same.
void try_entry(std::string_view input) {
  const auto entry =
      replica::DecodedEntry::from({1, from_unix_ms(1'800'000'000'000), std::string(input)});
  if (entry.problem()) {
    WEIR_ASSERT(entry.items().empty());
    return;
  }
  replica::EntryBuilder builder(entry.proposer(), entry.sequence());
  for (const auto& item : entry.items()) {
    replica::Operation operation{.name = std::string(entry.text(item.name)),
                                 .body = std::string(entry.text(item.body)),
                                 .actor = std::string(entry.text(item.actor))};
    WEIR_ASSERT(json::View(operation.body).is_object());
    if (!replica::check_operation(operation)) return;  // nobody proposes it
    builder.add(operation);
  }
  const auto again = replica::DecodedEntry::from({1, entry.time(), builder.take()});
  WEIR_ASSERT(!again.problem());
  WEIR_ASSERT(again.proposer() == entry.proposer() && again.sequence() == entry.sequence());
  WEIR_ASSERT(again.items().size() == entry.items().size());
}

}  // namespace weir::fuzz
