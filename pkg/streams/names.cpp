#include "pkg/streams/names.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace weir::streams {
namespace {

constexpr std::size_t kMaxNameBytes = 128;
constexpr std::size_t kMaxSubjectBytes = 1024;

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_';
         });
}

// The name alone, or with the number of a shard: JOBS, JOBS-1.
bool is_family(std::string_view name, std::string_view family) {
  return name.starts_with(family) && (name.size() == family.size() || name[family.size()] == '-');
}

bool is_readable(std::string_view stream) {
  return is_family(stream, "JOBS_DLQ") || is_family(stream, "JOB_EVENTS");
}

// The first token and what follows its dot.
std::pair<std::string_view, std::string_view> split(std::string_view subject) {
  const auto dot = subject.find('.');
  if (dot == std::string_view::npos) return {subject, {}};
  return {subject.substr(0, dot), subject.substr(dot + 1)};
}

Error bad_subject(std::string_view subject, std::string_view why) {
  return {Code::invalid, "bad_subject", "The subject cannot be used.",
          std::string(subject.substr(0, 100)) + ": " + std::string(why)};
}

bool is_token(std::string_view token, Wildcards wildcards, bool last) {
  if (token.empty()) return false;
  if (token == "*") return wildcards == Wildcards::allowed;
  if (token == ">") return wildcards == Wildcards::allowed && last;
  return std::none_of(token.begin(), token.end(), [](char c) {
    return c == '*' || c == '>' || static_cast<unsigned char>(c) <= ' ' || c == 0x7f;
  });
}

}  // namespace

bool is_internal(std::string_view stream) {
  constexpr std::array kFamilies{"JOBS", "JOBS_DLQ", "JOB_EVENTS", "DATA", "ROOMS"};
  return stream.starts_with("KV_") || stream.starts_with("OBJ_") || stream.starts_with("WEIR_") ||
         stream.starts_with("$") ||
         std::any_of(kFamilies.begin(), kFamilies.end(),
                     [&](const char* family) { return is_family(stream, family); });
}

Result<void> check_stream(std::string_view stream, Access access) {
  if (!is_name(stream)) {
    return Error{Code::invalid, "bad_stream_name", "The name of a stream cannot be this.",
                 "letters, digits, - and _, at most " + std::to_string(kMaxNameBytes)};
  }
  if (!is_internal(stream) || (access == Access::read && is_readable(stream))) return {};
  return Error{Code::forbidden, "internal_stream", "The stream is not for callers.",
               std::string(stream) + " belongs to Weir or to its buckets"};
}

Result<void> check_consumer(std::string_view consumer) {
  if (is_name(consumer)) return {};
  return Error{Code::invalid, "bad_consumer_name", "The name of a consumer cannot be this.",
               "letters, digits, - and _, at most " + std::to_string(kMaxNameBytes)};
}

Result<void> check_subject(std::string_view subject, Wildcards wildcards) {
  if (subject.empty() || subject.size() > kMaxSubjectBytes || subject.back() == '.') {
    return bad_subject(subject, "1 to 1024 bytes, tokens with dots between them");
  }
  const auto first = split(subject).first;
  for (auto rest = subject; !rest.empty();) {
    const auto [token, after] = split(rest);
    if (!is_token(token, wildcards, after.empty())) {
      return bad_subject(subject, wildcards == Wildcards::allowed
                                      ? "tokens with dots between them, * or > at the end"
                                      : "tokens with dots between them, no wildcards");
    }
    rest = after;
  }
  if (first.starts_with('$') || first == "weir" || first.starts_with("_INBOX")) {
    return bad_subject(subject, "belongs to NATS or to Weir");
  }
  if (first == "*" || first == ">") return bad_subject(subject, "must not begin with a wildcard");
  return {};
}

bool subject_matches(std::string_view pattern, std::string_view subject) {
  while (true) {
    const auto [wanted, more] = split(pattern);
    const auto [token, rest] = split(subject);
    if (wanted == ">") return !subject.empty();
    if (subject.empty() || (wanted != "*" && wanted != token)) return false;
    if (more.empty() || rest.empty()) return more.empty() && rest.empty();
    pattern = more;
    subject = rest;
  }
}

}  // namespace weir::streams
