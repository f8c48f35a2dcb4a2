#include "tests/support/history_check.hpp"

#include <algorithm>
#include <limits>

namespace weir::test {
namespace {

constexpr std::size_t kMaxComplaints = 50;
constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max();
// The clock of the log counts whole milliseconds, and is not the clock of the clients.
constexpr std::int64_t kClockSlackUs = 100'000;

bool ends_lease(const Event& event) {
  return event.act == Act::complete || event.act == Act::fail || event.act == Act::release;
}

// What is known about one job.
struct JobEvents {
  std::vector<const Event*> submits;
  std::vector<const Event*> leases;   // given
  std::vector<const Event*> reports;  // complete, fail, release, heartbeat
  std::vector<const Event*> reads;
};

class Checker {
 public:
  explicit Checker(const FinalJobs& final) : final_(final) {}

  std::vector<std::string> check(const std::vector<Event>& events);

 private:
  void complain(const std::string& job, const std::string& what) {
    if (complaints_.size() < kMaxComplaints) complaints_.push_back("job " + job + " " + what);
  }
  void check_job(const std::string& job, JobEvents& events);
  void check_existence(const std::string& job, const JobEvents& events);
  void check_end(const std::string& job, const JobEvents& events);
  void check_leases(const std::string& job, JobEvents& events);
  void check_reports(const std::string& job, const JobEvents& events);
  void check_ends(const std::string& job, const Event& report, const JobEvents& events);
  void check_reads(const std::string& job, const JobEvents& events);
  void check_client(std::vector<const Event*>& events);

  const FinalJobs& final_;
  std::vector<std::string> complaints_;
};

std::vector<std::string> Checker::check(const std::vector<Event>& events) {
  std::map<std::string, JobEvents> jobs;
  std::map<std::size_t, std::vector<const Event*>> clients;
  for (const auto& event : events) {
    clients[event.client].push_back(&event);
    JobEvents& job = jobs[event.job];
    if (event.act == Act::submit) {
      job.submits.push_back(&event);
    } else if (event.act == Act::lease) {
      if (event.told == Told::yes) job.leases.push_back(&event);
    } else if (event.act == Act::read) {
      if (event.told == Told::yes) job.reads.push_back(&event);
    } else {
      job.reports.push_back(&event);
    }
  }
  for (const auto& [job, status] : final_) jobs[job];
  for (auto& [job, known] : jobs) check_job(job, known);
  for (auto& [client, made] : clients) check_client(made);
  return std::move(complaints_);
}

void Checker::check_job(const std::string& job, JobEvents& events) {
  check_existence(job, events);
  check_end(job, events);
  check_leases(job, events);
  check_reports(job, events);
  check_reads(job, events);
}

void Checker::check_existence(const std::string& job, const JobEvents& events) {
  bool accepted = false;
  bool possible = false;
  std::int64_t first = kForever;
  for (const auto* submit : events.submits) {
    accepted |= submit->told == Told::yes || submit->told == Told::kept;
    possible |= submit->told != Told::no;
    if (submit->told != Told::no) first = std::min(first, submit->from_us);
  }
  const bool there = final_.contains(job);
  if (accepted && !there) complain(job, "was accepted and is lost");
  if (!possible && there) {
    complain(job, events.submits.empty() ? "is there, but nobody submitted it"
                                         : "is there, but every submit of it was refused");
  }
  for (const auto* lease : events.leases) {
    if (lease->to_us < first) complain(job, "was leased before it was submitted");
  }
}

void Checker::check_end(const std::string& job, const JobEvents& events) {
  std::size_t completed = 0;
  bool possible = false;
  for (const auto* report : events.reports) {
    if (report->act != Act::complete) continue;
    if (report->told == Told::yes) ++completed;
    possible |= report->told != Told::no;
  }
  if (completed > 1) complain(job, "was completed " + std::to_string(completed) + " times");
  const auto found = final_.find(job);
  if (found == final_.end()) return;
  if (completed > 0 && found->second != "completed") {
    complain(job, "was completed, but ends as " + found->second);
  }
  if (!possible && found->second == "completed") {
    complain(job, "ends as completed, but nobody completed it");
  }
}

// Until when a lease holds for certain: its time, what heartbeats added, and nothing that may have
// ended it.
std::int64_t holds_until(const Event& lease, const JobEvents& events) {
  std::int64_t until = lease.from_us + lease.lease_ms * 1'000;
  std::int64_t ended = kForever;
  for (const auto* report : events.reports) {
    if (report->lease != lease.lease || report->told == Told::no) continue;
    if (ends_lease(*report)) ended = std::min(ended, report->from_us);
    if (report->act == Act::heartbeat && report->told == Told::yes) {
      until = std::max(until, report->from_us + report->lease_ms * 1'000);
    }
  }
  return std::min(until - kClockSlackUs, ended);
}

void Checker::check_leases(const std::string& job, JobEvents& events) {
  auto& leases = events.leases;
  std::sort(leases.begin(), leases.end(),
            [](const Event* a, const Event* b) { return fence_of(a->lease) < fence_of(b->lease); });
  for (std::size_t i = 1; i < leases.size(); ++i) {
    const Event& older = *leases[i - 1];
    const Event& newer = *leases[i];
    if (fence_of(older.lease) == fence_of(newer.lease)) {
      complain(job, "was given twice under one fence: " + older.lease + " and " + newer.lease);
    } else if (newer.to_us < older.from_us) {
      complain(job, "was leased under a lower fence than before: " + older.lease + " after " +
                        newer.lease);
    } else if (newer.to_us < holds_until(older, events)) {
      complain(job, "was leased again as " + newer.lease + " while " + older.lease + " held");
    }
  }
}

void Checker::check_reports(const std::string& job, const JobEvents& events) {
  for (const auto* report : events.reports) {
    if (report->told != Told::yes) continue;
    const std::string what = std::string(name_of(report->act)) + " under " + report->lease;
    const auto given =
        std::find_if(events.leases.begin(), events.leases.end(),
                     [&](const Event* lease) { return lease->lease == report->lease; });
    if (given == events.leases.end()) {
      complain(job, "accepted a " + what + ", which nobody was given for it");
      continue;
    }
    if (report->to_us < (*given)->from_us)
      complain(job, "accepted a " + what + " before its lease");
    check_ends(job, *report, events);
    for (const auto* lease : events.leases) {
      if (fence_of(lease->lease) <= fence_of(report->lease)) continue;
      if (report->act == Act::complete) {
        complain(job, "was leased as " + lease->lease + ", and completed under the older " +
                          report->lease);
      } else if (lease->to_us < report->from_us) {
        complain(job, "accepted a " + what + " after it was leased as " + lease->lease);
      }
    }
  }
}

// Nothing is accepted under a lease after the report that ended it.
void Checker::check_ends(const std::string& job, const Event& report, const JobEvents& events) {
  for (const auto* end : events.reports) {
    if (end == &report || end->told != Told::yes || !ends_lease(*end)) continue;
    if (end->lease != report.lease || end->to_us >= report.from_us) continue;
    complain(job, std::string("accepted a ") + name_of(report.act) + " under " + report.lease +
                      " after its " + name_of(end->act));
  }
}

// A read at a revision shows what was answered with that revision or an older one.
void Checker::check_reads(const std::string& job, const JobEvents& events) {
  std::int64_t submitted = kForever;
  std::int64_t completed = kForever;
  for (const auto* submit : events.submits) {
    if (submit->told == Told::yes && submit->revision > 0) {
      submitted = std::min(submitted, submit->revision);
    }
  }
  for (const auto* report : events.reports) {
    if (report->act == Act::complete && report->told == Told::yes && report->revision > 0) {
      completed = std::min(completed, report->revision);
    }
  }
  for (const auto* read : events.reads) {
    const std::string at = " in a read at revision " + std::to_string(read->revision);
    if (read->status.empty() && read->revision >= submitted) {
      complain(job, "was submitted at revision " + std::to_string(submitted) +
                        ", and is not there" + at);
    } else if (read->status != "completed" && read->revision >= completed) {
      complain(job, "was completed at revision " + std::to_string(completed) + ", and is " +
                        read->status + at);
    }
  }
}

// What one client sees, call after call.
void Checker::check_client(std::vector<const Event*>& events) {
  std::stable_sort(events.begin(), events.end(),
                   [](const Event* a, const Event* b) { return a->to_us < b->to_us; });
  std::int64_t revision = 0;
  std::map<std::string, std::string> seen;  // status of jobs as this client must know it
  for (const auto* event : events) {
    if (event->told != Told::yes) continue;
    if (event->revision > 0 && event->revision < revision) {
      complain(event->job, "was answered at revision " + std::to_string(event->revision) +
                               ", after the same client had seen " + std::to_string(revision));
    }
    revision = std::max(revision, event->revision);
    const std::string before = seen[event->job];
    if (event->act == Act::read) {
      if (event->status.empty() && !before.empty()) {
        complain(event->job, "is not there for a client who knew it as " + before);
      } else if (before == "completed" && event->status != before) {
        complain(event->job, "is " + event->status + " for a client who knew it as completed");
      }
      if (!event->status.empty()) seen[event->job] = event->status;
    } else {
      seen[event->job] = event->act == Act::complete ? "completed" : "submitted";
    }
  }
}

}  // namespace

std::vector<std::string> check_history(const std::vector<Event>& events, const FinalJobs& final) {
  return Checker(final).check(events);
}

}  // namespace weir::test
