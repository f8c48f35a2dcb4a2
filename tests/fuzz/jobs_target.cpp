#include <cstdlib>
#include <functional>
#include <map>

#include "jobs/machine.hpp"
#include "jobs/requests.hpp"
#include "pkg/base/assert.hpp"
#include "pkg/base/ids.hpp"
#include "pkg/replica/entry.hpp"
#include "tests/fuzz/targets.hpp"

namespace weir::fuzz {
namespace {

const Timestamp kMorning = from_unix_ms(1'800'000'000'000);

using Answer = Result<replica::Operation>;

class Nobody : public replica::Outbound {
 public:
  void deliver(std::string_view, std::string_view, std::string) override {}
  void touch(std::string_view) override {}
  bool anyone_watches() const override { return true; }
  void publish(std::string json) override { WEIR_ASSERT(json::check(json).has_value()); }
  bool anyone_listens() const override { return true; }
};

// A day of clients: each line of the input is a request, `<verb> <name>? <json>`, applied to one
// job machine. The verb "later" moves the clock by <name> milliseconds, "tick" does what is due.
// Everything is rolled back at the end, so that the next input begins with empty tables.
class Day {
 public:
  Day() : db_(sqlite::Database::open({.path = ":memory:"}).value()) {
    db_->migrate("jobs", machine_.migrations()).value();
  }

  void run(std::string_view input) {
    token_ = "a1.1.0000000000000";
    now_ = kMorning;
    const auto rolled_back = db_->transaction([&]() -> Result<void> {
      machine_.open(*db_);
      while (!input.empty()) {
        const auto end = std::min(input.find('\n'), input.size());
        line(input.substr(0, end));
        input.remove_prefix(std::min(end + 1, input.size()));
      }
      machine_.before_commit(*db_);
      machine_.after_commit();
      expect_remembered();
      return Error{Code::conflict, "rolled_back", "the next day begins empty", ""};
    });
    WEIR_ASSERT(rolled_back.error().reason == "rolled_back");
  }

 private:
  static std::string_view word(std::string_view& text) {
    const auto end = std::min(text.find(' '), text.size());
    const auto out = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return out;
  }

  void line(std::string_view text) {
    const auto verb = word(text);
    const auto name = text.starts_with('{') ? std::string_view("q") : word(text);
    if (!text.empty() && !json::check(text)) return;
    const json::View body(text);
    if (verb == "later") {
      now_ += Millis{std::strtol(std::string(name).c_str(), nullptr, 10) % 100'000'000};
    } else if (verb == "tick") {
      apply({"jobs.tick", "{}"});
    } else if (const auto found = verbs().find(verb); found != verbs().end()) {
      if (const auto operation = found->second(*this, name, body)) apply(*operation);
    }
  }

  void apply(const replica::Operation& operation) {
    WEIR_ASSERT(replica::check_operation(operation).has_value());
    replica::ApplyContext context{*db_, ++revision_, now_, true, nobody_, add_effect_};
    const auto reply = machine_.apply(operation, json::View(operation.body), context);
    if (!reply) {
      WEIR_ASSERT(reply.error().reason != "unknown_operation");
      return;
    }
    WEIR_ASSERT(json::check(*reply).has_value());
    for (const auto job : json::View(*reply).find("jobs").elements()) {
      token_ = job.find("lease").as_string().value_or(token_);
    }
  }

  // What the machine keeps in memory is what the tables say.
  void expect_remembered() {
    jobs::Machine again;
    again.open(*db_);
    WEIR_ASSERT(again.stats().counts() == machine_.stats().counts());
    WEIR_ASSERT(again.stats().totals() == machine_.stats().totals());
    // A tick may come for what was done since, never too late for what was not.
    const auto due = again.next_due();
    WEIR_ASSERT(!due || (machine_.next_due() && *machine_.next_due() <= *due));
  }

  using Verb = std::function<Answer(Day&, std::string_view, json::View)>;
  static const std::map<std::string_view, Verb>& verbs();

  // The first operation of a batch.
  static Answer first(const Result<jobs::Batch>& batch) {
    if (!batch) return batch.error();
    if (batch->parts.empty()) return batch->rejected.front().error;
    return batch->parts.front().operation;
  }
  static Answer leases(const Result<jobs::LeaseRequest>& request) {
    if (!request) return request.error();
    return request->operation;
  }

  std::unique_ptr<sqlite::Database> db_;
  jobs::Machine machine_;
  ManualClock clock_;  // of ids
  SeededRandom random_{1};
  UuidGenerator ids_{clock_, random_};
  jobs::Requests requests_{ids_, random_, {}};
  Nobody nobody_;
  std::function<void(replica::Effect)> add_effect_ = [](const replica::Effect&) {};
  replica::Revision revision_ = 0;
  Timestamp now_;
  std::string token_;  // of the lease that was given last
};

const std::map<std::string_view, Day::Verb>& Day::verbs() {
  using Name = std::string_view;
  using Body = json::View;
  static const std::map<Name, Verb> verbs{
      {"submit", [](Day& d, Name, Body b) { return d.requests_.submit(b); }},
      {"jobs",
       [](Day& d, Name, Body b) -> Answer {
         if (b.find("jobs").elements().begin() == b.find("jobs").elements().end()) {
           return Error{Code::invalid, "empty", "no jobs", ""};
         }
         return first(d.requests_.submit_batch(b));
       }},
      {"cancel", [](Day& d, Name n, Body b) { return d.requests_.cancel(n, b); }},
      {"retry", [](Day& d, Name n, Body b) { return d.requests_.retry(n, b); }},
      {"promote", [](Day& d, Name n, Body b) { return d.requests_.promote(n, b); }},
      {"remove", [](Day& d, Name n, Body) { return d.requests_.remove(n); }},
      {"edit", [](Day& d, Name n, Body b) { return d.requests_.edit(n, b); }},
      {"batch", [](Day& d, Name, Body b) { return d.requests_.batch_create(b); }},
      {"seal", [](Day& d, Name n, Body b) { return d.requests_.batch_seal(n, b); }},
      {"endbatch", [](Day& d, Name n, Body b) { return d.requests_.batch_cancel(n, b); }},
      {"lease",
       [](Day& d, Name n, Body b) {
         return leases(d.requests_.lease(n, b, {"node", "w"}));
       }},
      {"work",
       [](Day& d, Name, Body b) {
         return leases(d.requests_.work(b, {"node", "w"}));
       }},
      {"complete", [](Day& d, Name, Body b) { return d.requests_.complete(d.token_, b); }},
      {"fail", [](Day& d, Name, Body b) { return d.requests_.fail(d.token_, b); }},
      {"release", [](Day& d, Name, Body b) { return d.requests_.release(d.token_, b); }},
      {"heartbeat", [](Day& d, Name, Body b) { return d.requests_.heartbeat(d.token_, b); }},
      {"queue", [](Day& d, Name n, Body b) { return d.requests_.queue_config(n, b); }},
      {"limits", [](Day& d, Name, Body b) { return d.requests_.set_limits(b); }},
      {"noqueue", [](Day& d, Name n, Body) { return d.requests_.queue_remove(n); }},
      {"pause", [](Day& d, Name n, Body) { return d.requests_.pause(n); }},
      {"resume", [](Day& d, Name n, Body) { return d.requests_.resume(n); }},
      {"purge", [](Day& d, Name n, Body) { return d.requests_.purge(n); }},
      {"schedule", [](Day& d, Name n, Body b) { return d.requests_.schedule_set(n, b, d.now_); }},
      {"trigger", [](Day& d, Name n, Body) { return d.requests_.schedule_trigger(n); }},
      {"redrive", [](Day& d, Name, Body b) { return d.requests_.dlq_redrive(b); }},
      {"slowly", [](Day& d, Name, Body b) { return d.requests_.redrive_start(b); }},
      {"bury", [](Day& d, Name, Body b) { return d.requests_.dlq_purge(b); }},
      {"drain", [](Day&, Name n, Body) -> Answer { return jobs::worker_drain(n); }},
      {"undrain", [](Day&, Name n, Body) -> Answer { return jobs::worker_undrain(n); }},
  };
  return verbs;
}

}  // namespace

void try_jobs(std::string_view input) {
  static Day day;
  day.run(input);
}

}  // namespace weir::fuzz
