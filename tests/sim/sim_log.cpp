#include "tests/sim/sim_log.hpp"

#include <algorithm>

namespace weir::sim {
namespace {

using namespace std::chrono_literals;
using replica::Appended;
using replica::LogEntry;
using replica::LogInfo;
using replica::Revision;

Error unavailable() {
  return Error{Code::unavailable, "nats_unavailable", "cut off", ""};
}
Error unknown() {
  return Error{Code::deadline_exceeded, "outcome_unknown", "no answer", ""};
}

}  // namespace

class SimLog::Tail final : public replica::LogTail {
 public:
  Tail(SimLog& log, View& view, Revision from, replica::Log::Sink sink)
      : log_(log), view_(view), next_(from), sink_(std::move(sink)) {
    log_.tails_.push_back(this);
    log_.deliver_soon(*this);
  }
  ~Tail() override {
    std::erase(log_.tails_, this);
    *alive_ = false;
  }

  SimLog& log_;
  View& view_;
  Revision next_;
  const replica::Log::Sink sink_;
  bool scheduled_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

SimLog::SimLog(World& world) : world_(world) {
  constexpr Micros kWindows[] = {Micros{0}, Micros{300ms}, Micros{120s}};
  duplicate_window_ = kWindows[world.below(3)];
  max_entry_bytes_ = world.chance(300) ? 4'000 : 1'000'000;
  test_clock_ = world.chance(250);
  step_clock();
}

// A new leader of the stream has another clock: the log's time may step back or forth.
void SimLog::step_clock() {
  clock_skew_ = Millis{world_.between(-800, 800)};
  world_.after(Micros{world_.between(1'000'000, 20'000'000)}, [this] { step_clock(); });
}

SimLog::View& SimLog::view(std::size_t node) {
  while (views_.size() <= node) views_.push_back(std::make_unique<View>(*this, views_.size()));
  return *views_[node];
}

Appended SimLog::store(const std::string& id, const std::string& data) {
  const auto known = ids_.find(id);
  if (known != ids_.end() && world_.now() - known->second.first <= duplicate_window_) {
    return {known->second.second, true};
  }
  if (known != ids_.end()) ++duplicates_stored_;
  const Timestamp time = from_unix_ms(SimClock::kEpochMs) +
                         std::chrono::duration_cast<Millis>(world_.now()) + clock_skew_;
  entries_.push_back({entries_.size() + 1, time, data});
  ids_[id] = {world_.now(), entries_.size()};
  world_.trace("stored " + std::to_string(entries_.size()) + " " + id);
  for (Tail* tail : tails_) deliver_soon(*tail);
  return {entries_.size(), false};
}

void SimLog::deliver_soon(Tail& tail) {
  if (tail.scheduled_) return;
  tail.scheduled_ = true;
  const Micros delay{world_.fault(30) ? world_.between(50'000, 3'000'000)
                                      : world_.between(50, 2'000)};
  world_.after(delay, [this, &tail, alive = tail.alive_] {
    if (!*alive) return;
    tail.scheduled_ = false;
    if (tail.view_.cut_) return;  // goes on when the cut ends
    // Some of what is there; the rest comes later.
    tail.next_ = std::max(tail.next_, first_);
    if (tail.next_ > entries_.size()) return;  // they are lost, and come back
    const auto there = entries_.size() + 1 - tail.next_;
    const auto some = 1 + world_.below(there);
    for (std::uint64_t i = 0; i < some && *alive; ++i) {
      const LogEntry entry = entries_[tail.next_ - 1];
      ++tail.next_;
      tail.sink_(entry);
    }
    if (*alive && tail.next_ <= entries_.size()) deliver_soon(tail);
  });
}

void SimLog::lose_end(Revision last, Revision reach) {
  world_.trace("the log loses all after " + std::to_string(last));
  reach_ = reach;
  ++losses_;
  lost_ += entries_.size() - last;
  entries_.resize(last);
  std::erase_if(ids_, [&](const auto& id) { return id.second.second > last; });
  for (auto& view : views_) ++view->session_;
}

void SimLog::View::set_cut(bool cut) {
  cut_ = cut;
  if (cut) return;
  ++session_;
  for (Tail* tail : log_.tails_) {
    if (&tail->view_ == this) log_.deliver_soon(*tail);
  }
}

void SimLog::View::append(std::string_view message_id, std::string_view data, MonoTime deadline,
                          AppendDone done) {
  World& world = log_.world_;
  if (cut_) {
    done(unavailable());
    return;
  }
  const SimClock clock(world);
  const auto until_deadline = std::chrono::duration_cast<Micros>(deadline - clock.mono());
  // No leader right now: nothing is stored and the answer says so.
  if (world.fault(20)) {
    world.after(Micros{world.between(50, 2'000)}, [done] { done(unavailable()); });
    return;
  }
  const auto answer = [&world, done, until_deadline](Micros delay, Result<Appended> result) {
    if (delay < until_deadline) {
      world.after(delay, [done, result] { done(result); });
    }
  };
  const bool lose_publish = world.fault(40);
  const bool lose_ack = world.fault(60);
  const auto late = world.fault(30) ? world.between(2'000'000, 30'000'000) : 0;
  const Micros there{world.between(50, 1'500) + late};
  const Micros back{world.between(50, 1'500)};
  const bool answered = !lose_publish && !lose_ack && there + back < until_deadline;
  if (!answered) world.after(until_deadline, [done] { done(unknown()); });
  if (lose_publish) return;
  const int copies = world.fault(40) ? 2 : 1;
  for (int copy = 0; copy < copies; ++copy) {
    const Micros extra{copy == 0 ? 0 : world.between(100, 5'000'000)};
    world.after(there + extra,
                [this, answer, answered, copy, back, id = std::string(message_id),
                 text = std::string(data), until_deadline, done, losses = log_.losses_] {
                  if (log_.losses_ != losses && log_.lost_its_end()) {
                    if (answered && copy == 0)
                      log_.world_.after(until_deadline, [done] { done(unknown()); });
                    return;
                  }
                  const auto stored = log_.store(id, text);
                  if (answered && copy == 0) answer(back, stored);
                });
  }
}

Result<std::unique_ptr<replica::LogTail>> SimLog::View::tail(Revision from, Sink sink) {
  return std::unique_ptr<replica::LogTail>(
      std::make_unique<Tail>(log_, *this, from, std::move(sink)));
}

Result<LogInfo> SimLog::View::info() {
  if (cut_ || log_.world_.fault(50)) return unavailable();
  return LogInfo{log_.first_, log_.entries_.size(), log_.identity(), 0, 1, log_.test_clock_};
}

Result<void> SimLog::View::append_again(const LogEntry& entry) {
  if (cut_ || log_.world_.fault(50)) return unavailable();
  if (entry.revision != log_.entries_.size() + 1) {
    return Error{Code::conflict, "wrong_last_sequence", "the log ends elsewhere", ""};
  }
  log_.entries_.push_back(entry);
  log_.world_.trace("stored " + std::to_string(entry.revision) + " again");
  for (Tail* tail : log_.tails_) log_.deliver_soon(*tail);
  if (log_.world_.fault(50)) return unknown();
  return {};
}

Result<void> SimLog::View::truncate_below(Revision revision) {
  if (cut_ || log_.world_.fault(50)) return unavailable();
  log_.first_ = std::max(log_.first_, revision);
  log_.world_.trace("truncated below " + std::to_string(log_.first_));
  return {};
}

Result<LogEntry> SimLog::View::get(Revision revision) {
  if (cut_ || log_.world_.fault(50)) return unavailable();
  if (revision < log_.first_ || revision > log_.entries_.size()) {
    return Error{Code::not_found, "entry_not_found", "no such entry", ""};
  }
  return log_.entries_[revision - 1];
}

}  // namespace weir::sim
