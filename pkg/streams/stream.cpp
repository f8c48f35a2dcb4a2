#include "pkg/streams/stream.hpp"

#include <algorithm>

#include "pkg/base/time_text.hpp"
#include "pkg/json/writer.hpp"

namespace weir::streams {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr Millis kDuplicateWindow{120'000};

// Members of JetStream's configuration with their JSON.
using Members = std::vector<std::pair<std::string, std::string>>;

std::string quoted_list(const std::vector<std::string>& texts) {
  json::Writer out;
  out.begin_array();
  for (const auto& text : texts) out.value(text);
  return out.end_array().take();
}

std::string nanoseconds(Millis duration) {
  return std::to_string(duration.count() * kNsPerMs);
}

Members members_of(const StreamSettings& settings) {
  Members out;
  const auto text = [&](const char* name, const std::optional<std::string>& value) {
    if (value) out.emplace_back(name, json::quoted(*value));
  };
  const auto number = [&](const char* name, const auto& value) {
    if (value) out.emplace_back(name, std::to_string(*value));
  };
  if (!settings.subjects.empty()) out.emplace_back("subjects", quoted_list(settings.subjects));
  text("description", settings.description);
  text("retention", settings.retention);
  text("storage", settings.storage);
  text("discard", settings.discard);
  if (settings.max_age) out.emplace_back("max_age", nanoseconds(*settings.max_age));
  number("max_bytes", settings.max_bytes);
  number("max_msgs", settings.max_messages);
  number("max_msgs_per_subject", settings.max_messages_per_subject);
  number("max_msg_size", settings.max_message_bytes);
  if (settings.duplicate_window) {
    out.emplace_back("duplicate_window", nanoseconds(*settings.duplicate_window));
  }
  if (settings.replicas && *settings.replicas > 0) number("num_replicas", settings.replicas);
  return out;
}

void set(Members& members, const std::string& name, std::string json) {
  const auto found = std::find_if(members.begin(), members.end(),
                                  [&](const auto& member) { return member.first == name; });
  if (found == members.end()) {
    members.emplace_back(name, std::move(json));
  } else {
    found->second = std::move(json);
  }
}

std::string object_of(const Members& members) {
  json::Writer out;
  out.begin_object();
  for (const auto& [name, json] : members) out.raw_member(name, json);
  return out.end_object().take();
}

std::int64_t number(json::View object, std::string_view name) {
  return object.find(name).as_int().value_or(0);
}

// JetStream says "no limit" as -1 or 0.
void write_limit(json::Writer& out, std::string_view name, std::int64_t limit) {
  out.key(name);
  if (limit > 0) {
    out.value(limit);
  } else {
    out.null();
  }
}

// nats-server escapes > in its JSON: texts are written anew.
void copy_text(json::Writer& out, json::View from, std::string_view name) {
  const auto text = from.find(name).as_string();
  out.key(name);
  if (text) {
    out.value(*text);
  } else {
    out.null();
  }
}

void copy_texts(json::Writer& out, json::View list) {
  for (const auto text : list.elements()) out.value(text.as_string().value_or(""));
}

}  // namespace

std::string new_config(const std::string& name, const StreamSettings& settings, int replicas) {
  // The server refuses a window that is longer than the messages live.
  auto window = kDuplicateWindow;
  if (settings.max_age && settings.max_age->count() > 0) {
    window = std::min(window, *settings.max_age);
  }
  Members members{{"name", json::quoted(name)},
                  {"subjects", quoted_list({name})},
                  {"retention", R"("limits")"},
                  {"storage", R"("file")"},
                  {"discard", R"("old")"},
                  {"max_consumers", "-1"},
                  {"max_msgs", "-1"},
                  {"max_bytes", "-1"},
                  {"max_age", "0"},
                  {"max_msgs_per_subject", "-1"},
                  {"max_msg_size", "-1"},
                  {"duplicate_window", nanoseconds(window)},
                  {"allow_direct", "true"}};
  for (auto& [key, json] : members_of(settings)) set(members, key, std::move(json));
  set(members, "num_replicas", std::to_string(replicas));
  return object_of(members);
}

std::string changed_config(json::View config, const StreamSettings& settings) {
  Members members;
  for (const auto& member : config.members()) {
    members.emplace_back(member.key(), std::string(member.value.raw()));
  }
  for (auto& [key, json] : members_of(settings)) set(members, key, std::move(json));
  return object_of(members);
}

std::string time_json(json::View time) {
  const auto parsed = parse_rfc3339(time.as_string().value_or(""));
  if (!parsed || to_unix_ms(*parsed) <= 0) return "null";
  return json::quoted(format_rfc3339(*parsed));
}

std::string stream_json(json::View info) {
  const auto config = info.find("config");
  const auto state = info.find("state");
  json::Writer out(768);
  out.begin_object();
  copy_text(out, config, "name");
  out.key("subjects").begin_array();
  copy_texts(out, config.find("subjects"));
  out.end_array();
  copy_text(out, config, "description");
  for (const std::string_view name : {"retention", "storage", "discard"}) {
    copy_text(out, config, name);
  }
  write_limit(out, "max_age_ms", number(config, "max_age") / kNsPerMs);
  write_limit(out, "max_bytes", number(config, "max_bytes"));
  write_limit(out, "max_messages", number(config, "max_msgs"));
  write_limit(out, "max_messages_per_subject", number(config, "max_msgs_per_subject"));
  write_limit(out, "max_message_bytes", number(config, "max_msg_size"));
  out.member("duplicate_window_ms", number(config, "duplicate_window") / kNsPerMs);
  out.member("replicas", number(config, "num_replicas"));
  out.member("messages", number(state, "messages")).member("bytes", number(state, "bytes"));
  out.member("first_sequence", number(state, "first_seq"));
  out.member("last_sequence", number(state, "last_seq"));
  out.raw_member("first_at", time_json(state.find("first_ts")));
  out.raw_member("last_at", time_json(state.find("last_ts")));
  out.member("subject_count", number(state, "num_subjects"));
  out.member("consumers", number(state, "consumer_count"));
  const auto leader = info.find("cluster").find("leader");
  if (leader.is_string()) out.member("leader", leader.as_string().value_or(""));
  return out.raw_member("created_at", time_json(info.find("created"))).end_object().take();
}

std::string consumer_json(json::View info) {
  const auto config = info.find("config");
  const auto position = [&](json::View at) {
    json::Writer out;
    out.begin_object().member("consumer_sequence", number(at, "consumer_seq"));
    return out.member("stream_sequence", number(at, "stream_seq")).end_object().take();
  };
  json::Writer out(512);
  out.begin_object();
  out.member("stream", info.find("stream_name").as_string().value_or(""));
  copy_text(out, info, "name");
  copy_text(out, config, "description");
  out.key("filter_subjects").begin_array();
  if (const auto one = config.find("filter_subject").as_string(); one && !one->empty()) {
    out.value(*one);
  }
  copy_texts(out, config.find("filter_subjects"));
  out.end_array();
  copy_text(out, config, "deliver_policy");
  copy_text(out, config, "ack_policy");
  out.member("ack_wait_ms", number(config, "ack_wait") / kNsPerMs);
  write_limit(out, "max_deliver", number(config, "max_deliver"));
  write_limit(out, "max_ack_pending", number(config, "max_ack_pending"));
  out.member("pull", config.find("deliver_subject").is_missing());
  out.raw_member("delivered", position(info.find("delivered")));
  out.raw_member("ack_floor", position(info.find("ack_floor")));
  out.member("ack_pending", number(info, "num_ack_pending"));
  out.member("redelivered", number(info, "num_redelivered"));
  out.member("waiting", number(info, "num_waiting")).member("pending", number(info, "num_pending"));
  return out.raw_member("created_at", time_json(info.find("created"))).end_object().take();
}

}  // namespace weir::streams
