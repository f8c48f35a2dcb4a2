#include "api/core/stored_values.hpp"

#include <algorithm>
#include <array>

#include "jobs/queries.hpp"
#include "jobs/requests.hpp"
#include "jobs/stored_form.hpp"
#include "pkg/json/writer.hpp"
#include "pkg/log/log.hpp"

namespace weir::api {
namespace {

// Answers above this are put back by a worker, not by the thread that applies the log.
constexpr std::size_t kInlineAnswerBytes = 32U << 10U;
constexpr std::int64_t kGivenBackMs = 30'000;

struct Entry {
  std::string_view command;
  CommandValues values;
};
constexpr std::array kCommands{
    Entry{"jobs.submit", {Takes::jobs, Gives::nothing}},
    Entry{"jobs.submit_batch", {Takes::jobs, Gives::nothing}},
    Entry{"batches.create", {Takes::jobs, Gives::nothing}},
    Entry{"schedules.configure", {Takes::templates, Gives::one}},
    Entry{"schedules.get", {Takes::nothing, Gives::one}},
    Entry{"jobs.edit", {Takes::edit, Gives::nothing}},
    Entry{"jobs.get", {Takes::nothing, Gives::one}},
    Entry{"dlq.get", {Takes::nothing, Gives::one}},
    Entry{"jobs.lease", {Takes::nothing, Gives::leased}},
    Entry{"jobs.work", {Takes::reports, Gives::leased}},
    Entry{"jobs.complete", {Takes::reports, Gives::nothing}},
    Entry{"jobs.fail", {Takes::reports, Gives::nothing}},
    Entry{"jobs.heartbeat", {Takes::reports, Gives::nothing}},
};

void log_given_back(const ValueReader::Leased& leased) {
  log::error("leased_jobs_not_readable", {{"jobs", std::to_string(leased.failed.size())},
                                          {"error", describe(*leased.error)},
                                          {"given_back_for_ms", std::to_string(kGivenBackMs)}});
}

Error overloaded() {
  return {Code::unavailable, "overloaded", "Too many requests wait for a read.",
          "Try again in a moment."};
}

}  // namespace

CommandValues values_of(std::string_view command) {
  const auto* found = std::ranges::find(kCommands, command, &Entry::command);
  return found == kCommands.end() ? CommandValues{} : found->values;
}

Result<std::optional<std::string>> StoredValues::store(Takes takes, const http::Request& request,
                                                       bool lines) const {
  if (takes == Takes::nothing || request.body.empty()) return std::optional<std::string>();
  if (!sealer_.encrypts() && !may_block(takes, request) && !mentions_stored_form(request.body)) {
    return std::optional<std::string>();
  }
  const auto in_path =
      request.params.empty() ? std::string_view() : std::string_view(request.params.front().second);
  const ValueWriter writer(
      sealer_, parts_.ids,
      {.takes = takes, .in_path = in_path, .max_value_bytes = parts_.max_value_bytes});
  auto text = lines ? writer.write_lines(request.body) : writer.write(json::View(request.body));
  if (!text) return text.error();
  return std::optional<std::string>(std::move(*text));
}

void StoredValues::answer(const Call& call, Gives gives, int status, std::string json,
                          std::optional<replica::Revision> revision) const {
  const bool large = json.find(jobs::kLargeHead) != std::string::npos;
  if (json.size() <= kInlineAnswerBytes && !large) {
    return answer_now(call, gives, status, std::move(json), revision);
  }
  const auto text = std::make_shared<std::string>(std::move(json));
  const auto work = [this, call, gives, status, text, revision] {
    answer_now(call, gives, status, std::move(*text), revision);
  };
  if (parts_.workers.run(work)) return;
  if (!large) return work();
  if (gives == Gives::leased) take_back(*text);
  call.fail(overloaded());
}

// Large values must not be fetched on this thread, and nobody else has time.
void StoredValues::take_back(const std::string& json) const {
  if (auto back = jobs::release_delivery(json)) {
    parts_.instance.propose(std::move(*back), [](const Result<replica::Reply>&) {});
  }
}

void StoredValues::answer_now(const Call& call, Gives gives, int status, std::string json,
                              std::optional<replica::Revision> revision) const {
  if (gives == Gives::one) {
    auto read = ValueReader(sealer_).read(json);
    if (!read) return call.fail(read.error());
    return call.reply_plain(status, std::move(*read), revision);
  }
  // With reports their results count.
  auto opened = open_now(json, call.body().find("lease").is_object());
  if (!opened) return call.fail(opened.error());
  call.reply_plain(status, std::move(*opened), revision);
}

Result<std::string> StoredValues::open_now(const std::string& json, bool reported) const {
  auto leased = ValueReader(sealer_).read_leased(json);
  if (leased.error) {
    log_given_back(leased);
    give_back(leased.failed);
    if (leased.jobs == 0 && !reported) return *leased.error;
  }
  return std::move(leased.json);
}

Result<std::optional<std::string>> StoredValues::store_jobs(std::string_view body) const {
  if (!sealer_.encrypts() && !sealer_.may_be_large(body.size()) && !mentions_stored_form(body)) {
    return std::optional<std::string>();
  }
  const ValueWriter writer(sealer_, parts_.ids,
                           {.takes = Takes::jobs, .max_value_bytes = parts_.max_value_bytes});
  WEIR_ASSIGN(auto text, writer.write(json::View(body)));
  return std::optional<std::string>(std::move(text));
}

void StoredValues::open_leased(std::string json,
                               std::function<void(Result<std::string>)> done) const {
  if (!mentions_stored_form(json)) return done(std::move(json));
  const bool large = json.find(jobs::kLargeHead) != std::string::npos;
  if (json.size() <= kInlineAnswerBytes && !large) return done(open_now(json, false));
  const auto text = std::make_shared<const std::string>(std::move(json));
  if (parts_.workers.run([this, text, done] { done(open_now(*text, false)); })) return;
  if (!large) return done(open_now(*text, false));
  take_back(*text);
  done(overloaded());
}

void StoredValues::give_back(const std::vector<std::string>& leases) const {
  json::Writer out(leases.size() * 64 + 64);
  out.begin_object().member("worker", "weir").key("release").begin_array();
  for (const auto& lease : leases) {
    out.begin_object().member("lease", lease).member("delay_ms", kGivenBackMs).end_object();
  }
  out.end_array().end_object();
  parts_.instance.propose({"jobs.work", out.take()}, [](const Result<replica::Reply>& reply) {
    if (!reply) log::warn("leased_jobs_not_given_back", {{"error", describe(reply.error())}});
  });
}

Result<std::string> StoredValues::payload_for_copy(std::string_view id,
                                                   std::string_view new_id) const {
  std::string job;
  const auto seen = parts_.instance.read([&](sqlite::Database& db) -> Result<void> {
    WEIR_ASSIGN(job, jobs::get_job(db, id));
    return {};
  });
  if (!seen) return seen.error();
  const json::View view(job);
  const auto payload = view.find("payload").raw();
  if (!jobs::is_stored_form(payload)) return std::string();
  WEIR_ASSIGN(const auto value, sealer_.open(payload, "payload",
                                             {.job = std::string(id),
                                              .queue = view.find("queue").as_string().value_or(""),
                                              .row = {}}));
  return sealer_.seal_any(value, "payload", {ValueOwner::Kind::job, std::string(new_id)});
}

}  // namespace weir::api
