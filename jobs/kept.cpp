#include "jobs/kept.hpp"

#include <algorithm>
#include <array>

#include "jobs/quota.hpp"
#include "jobs/target.hpp"
#include "pkg/json/view.hpp"
#include "pkg/json/writer.hpp"

namespace weir::jobs {
namespace {

constexpr std::array<std::string_view, 4> kReports{"complete", "fail", "release", "heartbeat"};

bool is_empty(json::View list) {
  const auto elements = list.elements();
  return elements.begin() == elements.end();
}

void write_submitted(json::Writer& out, json::View job, Timestamp now) {
  out.member("status", "accepted")
      .raw_member("queue", job.find("queue").raw())
      .member("created_at", now);
}

// One {"ok":true} for each report of the request, in its order.
void write_work(json::Writer& out, json::View work) {
  for (const auto name : kReports) {
    out.key(name).begin_array();
    for ([[maybe_unused]] const auto report : work.find(name).elements()) {
      out.begin_object().member("ok", true).end_object();
    }
    out.end_array();
  }
  out.key("jobs").begin_array().end_array();
}

// To sign its webhook.
bool needs_its_queue(json::View job) {
  const auto webhook = job.find("webhook");
  return !webhook.is_missing() && !webhook.find("default_secret").as_bool().value_or(false);
}

}  // namespace

bool may_wait(const replica::Operation& submit) {
  if (submit.body.starts_with(kOwnerHead)) return false;
  // Rarely there; the text may also stand in a payload.
  const auto mentions = [&](std::string_view name) {
    return submit.body.find(name) != std::string::npos;
  };
  constexpr std::array<std::string_view, 6> kDeciding{
      "\"unique\"", "\"idempotency\"", "\"depends_on\"", "\"batch\"", "\"_all\"", "\"webhook\""};
  if (std::ranges::none_of(kDeciding, mentions)) return true;
  const json::View body(submit.body);
  if (!body.find("idempotency").is_missing()) return false;
  const auto decides = [](json::View job) {
    return !job.find("unique").is_missing() || !job.find("idempotency").is_missing() ||
           !job.find("depends_on").is_missing() || !job.find("batch").is_missing() ||
           job.find("target").as_plain_string() == kAllTarget || needs_its_queue(job);
  };
  if (decides(body.find("job"))) return false;
  for (const auto job : body.find("jobs").elements()) {
    if (decides(job)) return false;
  }
  return true;
}

std::optional<replica::Operation> reports_of(const replica::Operation& work) {
  bool any = false;
  json::Writer out(work.body.size());
  out.begin_object();
  for (const auto& member : json::View(work.body).members()) {
    if (member.raw_key == "lease") continue;
    for (const auto name : kReports) {
      if (member.raw_key == name && !is_empty(member.value)) any = true;
    }
    out.raw_member(member.raw_key, member.value.raw());
  }
  out.end_object();
  if (!any) return std::nullopt;
  return replica::Operation{work.name, out.take()};
}

std::string kept_answer(const std::string& body, Timestamp now) {
  const json::View view(body);
  json::Writer out(256);
  out.begin_object();
  if (const auto job = view.find("job"); !job.is_missing()) {
    out.raw_member("id", job.find("id").raw());
    write_submitted(out, job, now);
  } else if (const auto jobs = view.find("jobs"); !jobs.is_missing()) {
    out.key("results").begin_array();
    for (const auto one : jobs.elements()) {
      out.begin_object().raw_member("id", one.find("id").raw()).member("status", "accepted");
      out.end_object();
    }
    out.end_array();
  } else if (view.find("lease").is_string()) {
    out.member("ok", true);
  } else {
    write_work(out, view);
  }
  out.member("storage", "sqlite").end_object();
  return out.take();
}

}  // namespace weir::jobs
