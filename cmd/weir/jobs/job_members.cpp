#include "cmd/weir/jobs/job_members.hpp"

#include "pkg/json/view.hpp"

namespace weir::cli {

Result<void> number_members(const Parsed& parsed, json::Writer& out) {
  if (parsed.has("priority")) {
    WEIR_ASSIGN(const auto priority, parsed.number("priority", 5, 0, 9));
    out.member("priority", priority);
  }
  if (parsed.has("max-attempts")) {
    WEIR_ASSIGN(const auto attempts, parsed.number("max-attempts", 25, 1, 1000));
    out.member("max_attempts", attempts);
  }
  return {};
}

void payload_member(const Parsed& parsed, json::Writer& out) {
  if (!parsed.has("payload")) return;
  const auto payload = parsed.text("payload");
  if (json::check(payload)) {
    out.raw_member("payload", payload);
  } else {
    out.member("payload", payload);
  }
}

void tags_member(const Parsed& parsed, json::Writer& out) {
  const auto tags = parsed.all("tag");
  if (tags.empty()) return;
  out.key("tags").begin_array();
  for (const auto& tag : tags) out.value(tag);
  out.end_array();
}

}  // namespace weir::cli
