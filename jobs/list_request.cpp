#include "jobs/list_request.hpp"

#include <algorithm>

#include "jobs/limits.hpp"
#include "jobs/request_parts.hpp"

namespace weir::jobs {
namespace {

void read_text(Fields& fields, std::string_view name, std::size_t most, std::string& out) {
  if (const auto text = fields.text(name, most)) out = *text;
}

void read_status(Fields& fields, ListRequest& out) {
  const auto word = fields.text("status", 64);
  if (!word || word->empty()) return;
  out.status = parse_status(*word);
  if (out.status) return;
  fields.complain("status",
                  "must be scheduled, blocked, unprocessed, processing, completed, failed, "
                  "cancelled or dlq, not " +
                      json::quoted(*word));
}

void read_range(Fields& fields, const std::string& what, std::optional<Timestamp>& after,
                std::optional<Timestamp>& before) {
  if (const auto ms = fields.time_ms(what + "_after")) after = from_unix_ms(*ms);
  if (const auto ms = fields.time_ms(what + "_before")) before = from_unix_ms(*ms);
  if (after && before && *before < *after) {
    fields.complain(what + "_before", "must not be before " + what + "_after");
  }
}

std::string text_of(json::View value) {
  return value.as_string().value_or(std::string(value.raw()));
}

void read_metadata(Fields& fields, ListRequest& out) {
  for (const auto& member : fields.object("metadata").members()) {
    if (member.raw_key.empty()) {
      fields.complain("metadata", "must be a name and a value: name=value");
    }
    out.metadata.emplace_back(member.key(), text_of(member.value));
  }
  if (out.metadata.size() > kMaxMembers) {
    fields.complain("metadata", "must have at most " + std::to_string(kMaxMembers) + " members");
  }
}

bool contains(std::string_view text, std::string_view part) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::search(text.begin(), text.end(), part.begin(), part.end(),
                     [&](char a, char b) { return lower(a) == lower(b); }) != text.end();
}

bool error_matches(std::string_view error, std::string_view part) {
  const json::View view(error);
  return contains(view.find("message").as_string().value_or(""), part) ||
         contains(view.find("type").as_string().value_or(""), part);
}

bool options_match(const ListRequest& request, const Job& job) {
  const json::View options(job.options);
  const auto metadata = options.find("metadata");
  for (const auto& [name, value] : request.metadata) {
    const auto found = metadata.find(name);
    if (found.is_missing() || text_of(found) != value) return false;
  }
  if (request.tag.empty()) return true;
  for (const auto tag : options.find("tags").elements()) {
    if (tag.as_string() == request.tag) return true;
  }
  return false;
}

}  // namespace

void read_filter(Fields& fields, ListRequest& out) {
  read_status(fields, out);
  read_text(fields, "queue", 4'096, out.queue);
  if (!out.queue.empty()) check_queue_name(fields.errors(), fields.path("queue"), out.queue);
  read_text(fields, "type", kMaxTypeBytes, out.type);
  read_text(fields, "key", kMaxKeyBytes, out.key);
  read_text(fields, "tag", kMaxTagBytes, out.tag);
  read_text(fields, "worker", kMaxWorkerBytes, out.worker);
  read_text(fields, "error", kMaxFilterBytes, out.error);
  read_metadata(fields, out);
  read_range(fields, "created", out.created_after, out.created_before);
  read_range(fields, "finished", out.finished_after, out.finished_before);
}

Result<ListRequest> parse_list_request(json::View text) {
  FieldErrors errors;
  Fields fields(errors, text);
  ListRequest out;
  read_filter(fields, out);
  if (const auto sort = fields.text("sort", 64); sort && !sort->empty()) {
    if (*sort != "created" && *sort != "-created") {
      fields.complain("sort", "must be created or -created, not " + json::quoted(*sort));
    }
    out.sort = *sort == "created" ? ListSort::oldest : ListSort::newest;
  }
  out.limit = fields.integer("limit", 1, 1'000).value_or(50);
  read_text(fields, "cursor", 4'096, out.cursor);
  fields.finish();
  if (!errors.empty()) return errors.error("invalid_request", "The request is not valid");
  return out;
}

bool matches(sqlite::Database& db, const ListRequest& request, const Job& job) {
  if (request.status && job.status != *request.status) return false;
  if (request.unfinished && is_finished(job.status)) return false;
  if (!request.type.empty() && job.type != request.type) return false;
  if (!request.key.empty() && job.key != request.key) return false;
  if (!request.worker.empty() && job.worker != request.worker) return false;
  if (request.created_after && job.created_at < to_unix_ms(*request.created_after)) return false;
  if (request.created_before && job.created_at >= to_unix_ms(*request.created_before)) {
    return false;
  }
  const bool ranged = request.finished_after || request.finished_before;
  if (ranged && !(job.finished_at && is_finished(job.status))) return false;
  if (request.finished_after && *job.finished_at < to_unix_ms(*request.finished_after)) {
    return false;
  }
  if (request.finished_before && *job.finished_at >= to_unix_ms(*request.finished_before)) {
    return false;
  }
  if (!options_match(request, job)) return false;
  return request.error.empty() || error_matches(error_of(db, job), request.error);
}

}  // namespace weir::jobs
