#include "jobs/request_parts.hpp"

#include "jobs/stored_form.hpp"

#include <algorithm>
#include <array>

namespace weir::jobs {
namespace {

constexpr std::array<std::string_view, 4> kBackoffKinds{"exponential", "linear", "fixed", "list"};

void write_steps(Fields& fields, json::Writer& out) {
  const auto list = fields.array("list_ms", kMaxBackoffSteps);
  if (list.is_missing()) return;
  out.key("list_ms").begin_array();
  std::size_t index = 0;
  for (const auto step : list.elements()) {
    const auto field = fields.path("list_ms[" + std::to_string(index++) + "]");
    out.value(read_duration_ms(fields.errors(), field, step, 0ms, kMaxDelay).value_or(0));
  }
  if (index == 0) fields.complain("list_ms", "must have at least one delay");
  out.end_array();
}

}  // namespace

std::int64_t draw_salt(Random& random) {
  return static_cast<std::int64_t>(random.next() >> 1U);
}

bool check_queue_name(FieldErrors& errors, const std::string& field, std::string_view name) {
  if (is_valid_name(name)) return true;
  errors.invalid(field,
                 "must have 1 to 128 of the characters A-Z a-z 0-9 . _ - and no dot at an end or "
                 "beside another dot");
  return false;
}

bool check_job_id(FieldErrors& errors, const std::string& field, std::string_view id) {
  if (is_valid_id(id)) return true;
  errors.invalid(field, "must have 1 to 128 of the characters A-Z a-z 0-9 . _ - :");
  return false;
}

void write_backoff_request(FieldErrors& errors, json::View value, const std::string& path,
                           json::Writer& out) {
  Fields fields(errors, value, path);
  out.begin_object();
  const auto kind = fields.text("kind", 32).value_or("exponential");
  if (std::find(kBackoffKinds.begin(), kBackoffKinds.end(), kind) == kBackoffKinds.end()) {
    fields.complain("kind", "must be exponential, linear, fixed or list, not \"" + kind + "\"");
  }
  out.member("kind", kind);
  if (kind == "list" && !fields.has("list_ms")) {
    fields.complain("list_ms", "is required for the kind list");
  }
  if (const auto delay = fields.duration_ms("delay_ms", 0ms, kMaxDelay)) {
    out.member("delay_ms", *delay);
  }
  if (const auto most = fields.duration_ms("max_ms", 0ms, kMaxDelay)) out.member("max_ms", *most);
  if (const auto factor = fields.number("factor", 1, 100)) out.member("factor", *factor);
  if (const auto jitter = fields.number("jitter", 0, 1)) out.member("jitter", *jitter);
  write_steps(fields, out);
  fields.finish();
  out.end_object();
}

void write_worker_error(FieldErrors& errors, json::View value, const std::string& path,
                        json::Writer& out) {
  if (value.raw().size() > kMaxErrorBytes) {
    errors.too_large(path, "must have at most " + std::to_string(kMaxErrorBytes) + " bytes, not " +
                               std::to_string(value.raw().size()));
    out.null();
    return;
  }
  if (value.is_string()) {
    out.begin_object().raw_member("message", value.raw()).end_object();
    return;
  }
  Fields fields(errors, value, path);
  fields.text("type", kMaxTypeBytes);
  fields.required_text("message", kMaxErrorBytes);
  fields.text("stack", kMaxErrorBytes);
  fields.raw("details");
  fields.finish();
  out.raw(value.raw());
}

void write_json(Fields& fields, std::string_view name, std::size_t most, json::Writer& out) {
  const auto value = fields.raw(name);
  if (value.is_missing()) return;
  // The limit is for what the client sent: a stored form is longer, or shorter.
  if (value.raw().size() > most && !is_stored_form(value.raw())) {
    fields.complain_too_large(name, "must have at most " + std::to_string(most) +
                                        " bytes as JSON, not " +
                                        std::to_string(value.raw().size()));
    return;
  }
  out.raw_member(name, value.raw());
}

std::string one_member(std::string_view name, std::string_view value) {
  json::Writer out(64);
  out.begin_object().member(name, value).end_object();
  return out.take();
}

Result<replica::Operation> finish_request(const FieldErrors& errors, std::string_view reason,
                                          std::string_view name, std::string body,
                                          std::size_t max_bytes) {
  if (!errors.empty()) return errors.error(reason, "The request is not valid");
  if (body.size() > max_bytes) {
    return Error{Code::too_large, "payload_too_large", "The request does not fit one log entry",
                 "at most " + std::to_string(max_bytes) + " bytes, not " +
                     std::to_string(body.size()) + ": send it in parts"};
  }
  return replica::Operation{std::string(name), std::move(body)};
}

}  // namespace weir::jobs
