// Requests::submit*, and putting the replies of a batch together.
#include "jobs/graph_order.hpp"
#include "jobs/job_request.hpp"
#include "jobs/requests.hpp"

namespace weir::jobs {
namespace {

constexpr std::string_view kNotValid = "The job is not valid";
constexpr std::string_view kAtomicTail = "],\"atomic\":true}";

// Cuts a batch into operations of bounded size.
class BatchBuilder {
 public:
  BatchBuilder(Batch& batch, std::size_t max_bytes, const Idempotency& once)
      : batch_(batch), max_bytes_(max_bytes), once_(once) {}

  void add(std::size_t item, std::string_view job) {
    if (!items_.empty() && text_.size() + job.size() + kAtomicTail.size() + 1 > max_bytes_) {
      close("]}");
    }
    text_ += items_.empty() ? head() : ",";
    text_ += job;
    items_.push_back(item);
  }

  void close(std::string_view tail) {
    if (items_.empty()) return;
    text_ += tail;
    batch_.parts.push_back({{"jobs.submit", std::move(text_)}, std::move(items_)});
    text_.clear();
    items_.clear();
  }

 private:
  std::string head() {
    if (!once_) return "{\"jobs\":[";
    json::Writer out(256);
    write_idempotency(out, once_);
    ++once_.part;
    return std::string(kIdempotencyHead) + out.take() + ",\"jobs\":[";
  }

  Batch& batch_;
  const std::size_t max_bytes_;
  Idempotency once_;  // of the next part
  std::string text_;
  std::vector<std::size_t> items_;
};

Error too_many_jobs() {
  return Error{Code::too_large, "batch_too_large", "The batch has too many jobs",
               "at most " + std::to_string(kMaxBatchJobs) + " in one request"};
}

Error job_too_large(std::size_t bytes, std::size_t most) {
  return Error{Code::too_large, "payload_too_large", "The job does not fit one log entry",
               "at most " + std::to_string(most) + " bytes with all its fields, not " +
                   std::to_string(bytes)};
}

}  // namespace

JobRequestOptions Requests::job_options() const {
  return {.ids = ids_,
          .max_payload_bytes = options_.max_payload_bytes,
          .signs_webhooks = options_.signs_webhooks};
}

Result<replica::Operation> Requests::submit(json::View body, const Idempotency& once) const {
  FieldErrors errors;
  json::Writer out(body.raw().size() + 128);
  out.begin_object();
  if (once) {
    out.key("idempotency");
    write_idempotency(out, once);
  }
  out.key("job");
  write_job_request(errors, body, {}, job_options(), out);
  out.end_object();
  return finish_request(errors, "invalid_job", "jobs.submit", out.take(),
                        options_.max_operation_bytes);
}

Result<Batch> Requests::submit_batch(json::View body, const Idempotency& once) const {
  FieldErrors errors;
  Fields fields(errors, body);
  const bool atomic = fields.boolean("atomic").value_or(false);
  const auto jobs = fields.raw("jobs");
  if (jobs.is_missing()) fields.complain("jobs", "is required");
  if (!jobs.is_missing() && !jobs.is_array()) errors.wrong_type("jobs", "an array", jobs);
  fields.finish();
  if (!errors.empty()) return errors.error("invalid_request", "The batch is not valid");

  Batch batch;
  std::vector<std::string> whole;  // of an atomic batch, which is ordered before it is built
  BatchBuilder builder(
      batch, atomic ? options_.max_operation_bytes * 1'000 : options_.max_operation_bytes, once);
  for (const auto job : jobs.elements()) {
    const auto item = batch.size++;
    if (batch.size > kMaxBatchJobs) return too_many_jobs();
    FieldErrors own;
    FieldErrors& target = atomic ? errors : own;
    json::Writer out(job.raw().size() + 128);
    write_job_request(target, job, "jobs[" + std::to_string(item) + "]", job_options(), out);
    if (!own.empty()) {
      batch.rejected.push_back({item, own.error("invalid_job", kNotValid)});
    } else if (atomic) {
      whole.push_back(out.take());
    } else if (out.size() + 16 > options_.max_operation_bytes) {
      batch.rejected.push_back({item, job_too_large(out.size(), options_.max_operation_bytes)});
    } else {
      builder.add(item, out.str());
    }
  }
  if (atomic && errors.empty()) {
    for (const auto item : order_graph(jobs, errors)) builder.add(item, whole[item]);
  }
  if (!errors.empty()) return errors.error("invalid_job", "The batch has jobs that are not valid");
  builder.close(atomic ? kAtomicTail : "]}");
  if (atomic && !batch.parts.empty() &&
      batch.parts[0].operation.body.size() > options_.max_operation_bytes) {
    return Error{Code::too_large, "batch_too_large", "An atomic batch must fit one log entry",
                 "at most " + std::to_string(options_.max_operation_bytes) + " bytes, not " +
                     std::to_string(batch.parts[0].operation.body.size()) +
                     ": send fewer jobs, or atomic=false"};
  }
  return batch;
}

Result<Batch> Requests::submit_ndjson(std::string_view text, const Idempotency& once) const {
  Batch batch;
  BatchBuilder builder(batch, options_.max_operation_bytes, once);
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const auto item = batch.size++;
    if (batch.size > kMaxBatchJobs) return too_many_jobs();
    if (auto checked = json::check(line); !checked) {
      batch.rejected.push_back({item, std::move(checked).error()});
      continue;
    }
    FieldErrors errors;
    json::Writer out(line.size() + 128);
    write_job_request(errors, json::View(line), "jobs[" + std::to_string(item) + "]", job_options(),
                      out);
    if (!errors.empty()) {
      batch.rejected.push_back({item, errors.error("invalid_job", kNotValid)});
    } else if (out.size() + 16 > options_.max_operation_bytes) {
      batch.rejected.push_back({item, job_too_large(out.size(), options_.max_operation_bytes)});
    } else {
      builder.add(item, out.str());
    }
  }
  builder.close("]}");
  return batch;
}

// --- replies -------------------------------------------------------------------------------------

bool is_duplicate(std::string_view submit_reply) {
  return submit_reply.ends_with(",\"duplicate\":true}");
}

Result<std::string> merge_batch(const Batch& batch,
                                std::span<const Result<replica::Reply>> replies) {
  WEIR_ASSERT(replies.size() == batch.parts.size());
  if (replies.size() == 1 && batch.rejected.empty() &&
      std::is_sorted(batch.parts[0].items.begin(), batch.parts[0].items.end())) {
    if (!replies[0]) return replies[0].error();
    return replies[0]->json;
  }
  for (const auto& reply : replies) {  // the same for all parts
    if (!reply && reply.error().reason == "idempotency_key_reused") return reply.error();
  }
  std::vector<std::string> results(batch.size);
  replica::Revision revision = 0;
  bool any = !batch.rejected.empty() || batch.parts.empty();
  for (const auto& [item, error] : batch.rejected) results[item] = item_error(error);
  for (std::size_t i = 0; i < replies.size(); ++i) {
    const auto& items = batch.parts[i].items;
    if (!replies[i]) {
      for (const auto item : items) results[item] = item_error(replies[i].error());
      continue;
    }
    any = true;
    revision = std::max(revision, replies[i]->revision);
    std::size_t at = 0;
    for (const auto result : json::View(replies[i]->json).find("results").elements()) {
      if (at < items.size()) results[items[at++]] = result.raw();
    }
  }
  if (!any) return replies[0].error();
  json::Writer out(batch.size * 80 + 64);
  out.begin_object().key("results").begin_array();
  for (const auto& result : results) out.raw(result);
  out.end_array();
  if (revision > 0) out.member("revision", revision);
  const bool repeated =
      !replies.empty() && std::all_of(replies.begin(), replies.end(),
                                      [](auto& r) { return r && is_duplicate(r->json); });
  if (repeated) out.member("duplicate", true);
  out.end_object();
  return out.take();
}

}  // namespace weir::jobs
