#include "api/values/value_writer.hpp"

#include <algorithm>
#include <array>

#include "jobs/stored_form.hpp"
#include "jobs/token.hpp"
#include "jobs/unique.hpp"

namespace weir::api {
namespace {

// Members whose objects are jobs, templates or reports, or lists of them.
constexpr std::array<std::string_view, 8> kInside{"jobs",     "job",  "on_success", "on_complete",
                                                  "complete", "fail", "release",    "heartbeat"};

bool is_report_value(std::string_view name) {
  return name == "result" || name == "checkpoint";
}

// The payload may become that of another job, which holds the unique key.
bool may_move(json::View job) {
  const auto unique = job.find("unique");
  if (!unique.is_object()) return false;
  const auto action = jobs::parse_on_conflict(unique.find("on_conflict").as_string().value_or(""));
  return action == jobs::OnConflict::replace || action == jobs::OnConflict::debounce;
}

}  // namespace

Result<std::string> ValueWriter::write(json::View body) const {
  std::string out;
  out.reserve(body.raw().size() * 3 / 2 + 256);
  WEIR_TRY(copy(out, body));
  return out;
}

Result<std::string> ValueWriter::write_lines(std::string_view text) const {
  std::string out;
  out.reserve(text.size() * 3 / 2 + 256);
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    if (json::check(line)) {
      WEIR_TRY(copy(out, json::View(line)));
    } else {
      out.append(line);
    }
    if (end < text.size()) out += '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

Result<void> ValueWriter::copy(std::string& out, json::View value, bool callback) const {
  if (value.is_object()) return copy_object(out, value, callback);
  if (!value.is_array()) {
    out.append(value.raw());
    return {};
  }
  out += '[';
  for (const auto element : value.elements()) {
    if (out.back() != '[') out += ',';
    WEIR_TRY(copy(out, element, callback));
  }
  out += ']';
  return {};
}

Result<void> ValueWriter::copy_object(std::string& out, json::View object, bool callback) const {
  out += '{';
  std::string id;
  if (options_.takes == Takes::jobs && !object.find("payload").is_missing()) {
    const auto given = object.find("id");
    id = given.is_missing() ? ids_.next() : given.as_string().value_or("");
    if (given.is_missing()) out.append("\"id\":\"").append(id).append("\"");
  }
  for (const auto& member : object.members()) {
    if (out.back() != '{') out += ',';
    out.append("\"").append(member.raw_key).append("\":");
    const auto name = member.key();
    if (name == "payload" && options_.takes != Takes::reports) {
      WEIR_TRY(write_value(out, member.value, name, payload_owner(object, id), callback));
    } else if (is_report_value(name) && options_.takes == Takes::reports) {
      WEIR_TRY(write_value(out, member.value, name, report_owner(object), callback));
    } else if (std::ranges::find(kInside, name) != kInside.end()) {
      WEIR_TRY(copy(out, member.value, callback || name.starts_with("on_")));
    } else {
      out.append(member.value.raw());
    }
  }
  out += '}';
  return {};
}

Result<void> ValueWriter::write_value(std::string& out, json::View value, std::string_view field,
                                      const ValueOwner& owner, bool callback) const {
  const auto raw = value.raw();
  if (raw.size() > options_.max_value_bytes) {
    // It is refused. What looks like a stored form is none: the same value, written otherwise.
    const bool forged = jobs::is_stored_form(raw);
    out.append(forged ? "{ " : "").append(forged ? raw.substr(1) : raw);
  } else if (callback || options_.takes == Takes::templates) {
    out += sealer_.seal(raw, field, owner);
  } else {
    WEIR_ASSIGN(const auto form, sealer_.seal_any(raw, field, owner));
    out += form;
  }
  return {};
}

ValueOwner ValueWriter::payload_owner(json::View job, std::string_view id) const {
  if (options_.takes == Takes::edit) return {ValueOwner::Kind::job, std::string(options_.in_path)};
  if (options_.takes == Takes::templates || may_move(job)) {
    return {ValueOwner::Kind::queue, job.find("queue").as_string().value_or("")};
  }
  return {ValueOwner::Kind::job, std::string(id)};
}

ValueOwner ValueWriter::report_owner(json::View report) const {
  const auto lease = report.find("lease").as_string();
  const auto token = jobs::parse_token(lease ? std::string_view(*lease) : options_.in_path);
  return {ValueOwner::Kind::row, std::to_string(token ? token->row : 0)};
}

}  // namespace weir::api
