#include "api/values/value_reader.hpp"

#include <string.h>

#include <algorithm>
#include <array>

#include "jobs/stored_form.hpp"
#include "jobs/token.hpp"

namespace weir::api {
namespace {

// What clients and workers wrote, which is never stored in another form.
constexpr std::array<std::string_view, 7> kClients{"metadata", "headers", "tags",   "progress",
                                                   "message",  "error",   "backoff"};

bool is_value(std::string_view name) {
  return name == "payload" || name == "result" || name == "checkpoint";
}

KnownOwners owners_in(json::View object) {
  KnownOwners out;
  for (const auto& member : object.members()) {
    const auto name = member.raw_key;
    if (name == "id") {
      out.job = member.value.as_string().value_or("");
    } else if (name == "queue") {
      out.queue = member.value.as_string().value_or("");
    } else if (name == jobs::kRowMember) {
      out.row = member.value.raw();
    } else if (name == "lease") {
      const auto token = jobs::parse_token(member.value.as_plain_string().value_or(""));
      if (token) out.row = std::to_string(token->row);
    }
  }
  return out;
}

void begin_member(std::string& out, std::string_view raw_key) {
  if (out.back() != '{') out += ',';
  out.append("\"").append(raw_key).append("\":");
}

}  // namespace

bool mentions_stored_form(std::string_view json) {
  return ::memmem(json.data(), json.size(), jobs::kStoredHead.data(), jobs::kStoredHead.size()) !=
         nullptr;
}

Result<std::string> ValueReader::read(std::string_view json) const {
  std::string out;
  out.reserve(json.size());
  WEIR_TRY(copy(out, json::View(json)));
  return out;
}

Result<void> ValueReader::copy(std::string& out, json::View value) const {
  const bool plain = !mentions_stored_form(value.raw());
  if (!plain && value.is_object()) return copy_object(out, value);
  if (plain || !value.is_array()) {
    out.append(value.raw());
    return {};
  }
  out += '[';
  for (const auto element : value.elements()) {
    if (out.back() != '[') out += ',';
    WEIR_TRY(copy(out, element));
  }
  out += ']';
  return {};
}

Result<void> ValueReader::copy_object(std::string& out, json::View object) const {
  const auto owners = owners_in(object);
  out += '{';
  for (const auto& member : object.members()) {
    const auto name = member.raw_key;
    if (name == jobs::kRowMember) continue;
    begin_member(out, name);
    if (is_value(name)) {
      WEIR_ASSIGN(const auto value, sealer_.open(member.value.raw(), name, owners));
      out += value;
    } else if (std::ranges::find(kClients, name) != kClients.end()) {
      out.append(member.value.raw());
    } else if (name == "parents") {
      WEIR_TRY(copy_parents(out, member.value));
    } else {
      WEIR_TRY(copy(out, member.value));
    }
  }
  out += '}';
  return {};
}

// Its members are named by the ids of jobs.
Result<void> ValueReader::copy_parents(std::string& out, json::View parents) const {
  out += '{';
  for (const auto& parent : parents.members()) {
    begin_member(out, parent.raw_key);
    WEIR_TRY(copy(out, parent.value));
  }
  out += '}';
  return {};
}

ValueReader::Leased ValueReader::read_leased(std::string_view json) const {
  Leased out;
  out.json = "{";
  for (const auto& member : json::View(json).members()) {
    begin_member(out.json, member.raw_key);
    if (member.raw_key != "jobs") {
      out.json.append(member.value.raw());
      continue;
    }
    out.json += '[';
    for (const auto job : member.value.elements()) {
      std::string text;
      if (const auto read = copy(text, job); !read) {
        out.failed.push_back(job.find("lease").as_string().value_or(""));
        if (!out.error) out.error = read.error();
        continue;
      }
      if (out.jobs++ > 0) out.json += ',';
      out.json += text;
    }
    out.json += ']';
  }
  out.json += '}';
  return out;
}

}  // namespace weir::api
