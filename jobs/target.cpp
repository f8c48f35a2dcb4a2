#include "jobs/target.hpp"

#include <algorithm>
#include <map>

#include "jobs/limits.hpp"
#include "pkg/base/ids.hpp"

namespace weir::jobs {
namespace {

constexpr std::string_view kNameRule =
    "of the characters A-Z a-z 0-9 . _ - and no dot at an end or beside another dot";

bool is_label_key(std::string_view key) {
  return key.size() <= kMaxLabelKeyBytes && is_valid_name(key);
}

bool is_label_value(std::string_view value) {
  return value.size() <= kMaxLabelValueBytes && is_valid_name(value) &&
         static_cast<std::size_t>(std::count(value.begin(), value.end(), '.')) < kMaxLabelLevels;
}

std::string key_rule() {
  return "1 to " + std::to_string(kMaxLabelKeyBytes) + " " + std::string(kNameRule);
}

std::string value_rule() {
  return "1 to " + std::to_string(kMaxLabelValueBytes) + " " + std::string(kNameRule) +
         ", and at most " + std::to_string(kMaxLabelLevels) + " levels";
}

// What is wrong with the target; empty: nothing.
std::string problem_of(std::string_view target) {
  if (target == kAnyTarget || target == kAllTarget) return {};
  if (target.starts_with(kHostTarget)) {
    const auto size = target.size() - kHostTarget.size();
    if (size >= 1 && size <= kMaxWorkerBytes) return {};
    return "must name a worker of 1 to " + std::to_string(kMaxWorkerBytes) + " bytes after host:";
  }
  if (target.starts_with(kLabelTarget)) {
    const auto label = target.substr(kLabelTarget.size());
    const auto equals = label.find('=');
    if (equals == std::string_view::npos) return "must be label:<key>=<value>";
    if (!is_label_key(label.substr(0, equals))) return "must have a label key of " + key_rule();
    if (!is_label_value(label.substr(equals + 1))) {
      return "must have a label value of " + value_rule();
    }
    return {};
  }
  return "must be _any, _all, host:<worker> or label:<key>=<value>";
}

// The value is `wanted`, or below it.
bool is_within(std::string_view value, std::string_view wanted) {
  return value.starts_with(wanted) &&
         (value.size() == wanted.size() || value[wanted.size()] == '.');
}

// It is made of jobs whose ids begin with its own, and depends on them.
void check_fan_out(Fields& fields) {
  for (const std::string_view name : {"unique", "depends_on", "on_failure"}) {
    if (fields.has(name)) fields.complain(name, "cannot stand beside the target _all");
  }
  const auto id = fields.raw("id").as_string();
  if (id && id->size() > kMaxFanOutId) {
    fields.complain("id", "must have at most " + std::to_string(kMaxFanOutId) +
                              " bytes beside the target _all");
  }
}

}  // namespace

void write_target(Fields& fields, json::Writer& out) {
  const auto target = fields.text("target", kMaxTargetBytes);
  if (!target) return;
  if (auto problem = problem_of(*target); !problem.empty()) {
    fields.complain("target", std::move(problem));
  } else if (*target != kAnyTarget) {
    out.member("target", *target);
  }
  if (target == kAllTarget) check_fan_out(fields);
}

void write_labels(Fields& fields, json::Writer& out) {
  const auto labels = fields.object("labels");
  if (labels.is_missing()) return;
  std::map<std::string, std::string> sorted;
  std::size_t count = 0;
  for (const auto& member : labels.members()) {
    ++count;
    const auto key = member.key();
    const auto field = fields.path("labels") + "." + key.substr(0, kMaxLabelKeyBytes);
    const auto value = member.value.as_string();
    if (!is_label_key(key)) {
      fields.errors().invalid(field, "must have a key of " + key_rule());
    } else if (!value) {
      fields.errors().wrong_type(field, "a string", member.value);
    } else if (!is_label_value(*value)) {
      fields.errors().invalid(field, "must be " + value_rule());
    } else {
      sorted.insert_or_assign(key, *value);
    }
  }
  if (count > kMaxLabels) {
    fields.complain("labels", "must have at most " + std::to_string(kMaxLabels) + ", not " +
                                  std::to_string(count));
  }
  if (sorted.empty()) return;
  out.key("labels").begin_object();
  for (const auto& [key, value] : sorted) out.member(key, value);
  out.end_object();
}

bool matches_target(std::string_view target, std::string_view worker, std::string_view labels) {
  if (target.empty()) return true;
  if (target.starts_with(kHostTarget)) return target.substr(kHostTarget.size()) == worker;
  const auto label = target.substr(kLabelTarget.size());
  const auto equals = label.find('=');
  if (labels.empty() || equals == std::string_view::npos) return false;
  const auto value = json::View(labels).find(label.substr(0, equals)).as_plain_string();
  return value && is_within(*value, label.substr(equals + 1));
}

std::vector<std::string> targets_of(std::string_view worker, std::string_view labels) {
  std::vector<std::string> out{std::string(kHostTarget).append(worker)};
  if (labels.empty()) return out;
  for (const auto& member : json::View(labels).members()) {
    const auto value = member.value.as_plain_string().value_or("");
    auto text = std::string(kLabelTarget).append(member.raw_key).append("=");
    const auto head = text.size();
    text += value;
    for (auto dot = value.find('.'); dot != std::string_view::npos;
         dot = value.find('.', dot + 1)) {
      out.push_back(text.substr(0, head + dot));
    }
    out.push_back(std::move(text));
  }
  return out;
}

}  // namespace weir::jobs
