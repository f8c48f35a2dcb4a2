#include "pkg/pubsub/topic.hpp"

#include <algorithm>

namespace weir::pubsub {
namespace {

Error invalid_topic(std::string_view text, std::string why) {
  return {Code::invalid, "invalid_topic", "The topic is not acceptable.",
          std::string(text.substr(0, kMaxTopicBytes)) + ": " + std::move(why)};
}

// Takes the first segment off.
std::string_view next_segment(std::string_view& rest) {
  const auto end = rest.find('.');
  const auto segment = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return segment;
}

bool is_text(std::string_view segment) {
  return std::ranges::none_of(segment, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= 0x20 || byte == 0x7f || c == '*' || c == '>' || c == '#';
  });
}

Result<void> check_segments(std::string_view text, bool wildcards) {
  if (text.empty()) return invalid_topic(text, "it is empty");
  if (text.size() > kMaxTopicBytes)
    return invalid_topic(text, "it has more than " + std::to_string(kMaxTopicBytes) + " bytes");
  if (text.front() == '.' || text.back() == '.' || text.find("..") != std::string_view::npos)
    return invalid_topic(text, "a segment is empty");
  for (auto rest = text; !rest.empty();) {
    const auto segment = next_segment(rest);
    if (is_text(segment)) continue;
    const bool wildcard = segment == "*" || (segment == "#" && rest.empty());
    if (wildcards && wildcard) continue;
    return invalid_topic(text, wildcards ? "`*` is a whole segment, `#` the last one; no white "
                                           "space, no `>`"
                                         : "no white space, and none of `*`, `>` and `#`");
  }
  return {};
}

}  // namespace

Result<void> check_topic(std::string_view topic) {
  return check_segments(topic, false);
}

Result<void> check_pattern(std::string_view pattern) {
  return check_segments(pattern, true);
}

bool is_plain(std::string_view pattern) {
  return pattern.find_first_of("*#") == std::string_view::npos;
}

bool matches(std::string_view pattern, std::string_view topic) {
  while (!pattern.empty()) {
    const auto wanted = next_segment(pattern);
    if (wanted == "#") return true;
    if (topic.empty()) return false;
    const auto segment = next_segment(topic);
    if (wanted != "*" && wanted != segment) return false;
  }
  return topic.empty();
}

std::string subject_of(std::string_view topic) {
  return std::string(kSubjectPrefix).append(topic);
}

std::string_view topic_of(std::string_view subject) {
  if (!subject.starts_with(kSubjectPrefix)) return {};
  return subject.substr(kSubjectPrefix.size());
}

}  // namespace weir::pubsub
