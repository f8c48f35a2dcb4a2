#include "tests/support/memory_log.hpp"

#include <atomic>
#include <thread>

namespace weir::test {

using replica::Appended;
using replica::LogEntry;
using replica::LogInfo;
using replica::Revision;

namespace {
Error unavailable() {
  return Error{Code::unavailable, "nats_unavailable", "The log is out of reach", ""};
}
Error unknown() {
  return Error{Code::deadline_exceeded, "outcome_unknown", "The log did not answer", ""};
}
}  // namespace

class MemoryLog::Tail final : public replica::LogTail {
 public:
  Tail(MemoryLog& log, Revision from, Sink sink) : log_(log), next_(from), sink_(std::move(sink)) {
    thread_ = std::thread([this] { run(); });
  }
  ~Tail() override {
    {
      const std::lock_guard lock(log_.mutex_);
      stopping_ = true;
    }
    log_.grown_.notify_all();
    thread_.join();
  }

 private:
  void run() {
    std::unique_lock lock(log_.mutex_);
    for (;;) {
      log_.grown_.wait(
          lock, [this] { return stopping_ || (log_.connected_ && log_.entries_.size() >= next_); });
      if (stopping_) return;
      next_ = std::max(next_, log_.first_);
      if (log_.entries_.size() < next_) continue;
      LogEntry entry = log_.entries_[next_ - 1];
      ++next_;
      lock.unlock();
      sink_(std::move(entry));
      lock.lock();
    }
  }

  MemoryLog& log_;
  Revision next_;
  const Sink sink_;
  bool stopping_ = false;  // guarded by the log's mutex
  std::thread thread_;
};

void MemoryLog::set_connected(bool connected) {
  {
    const std::lock_guard lock(mutex_);
    if (connected && !connected_) ++session_;
    connected_ = connected;
  }
  grown_.notify_all();
}

void MemoryLog::set_missing(bool missing) {
  const std::lock_guard lock(mutex_);
  missing_ = missing;
}

void MemoryLog::lose_publishes(int count) {
  const std::lock_guard lock(mutex_);
  lose_publishes_ = count;
}

void MemoryLog::lose_acks(int count) {
  const std::lock_guard lock(mutex_);
  lose_acks_ = count;
}

void MemoryLog::hold_acks(bool hold) {
  std::vector<std::pair<AppendDone, Appended>> held;
  {
    const std::lock_guard lock(mutex_);
    hold_acks_ = hold;
    if (!hold) held.swap(held_);
  }
  for (auto& [done, appended] : held) done(appended);
}

void MemoryLog::set_full(bool full) {
  const std::lock_guard lock(mutex_);
  full_ = full;
}

void MemoryLog::forget_ids() {
  const std::lock_guard lock(mutex_);
  ids_.clear();
}

void MemoryLog::truncate(Revision last) {
  const std::lock_guard lock(mutex_);
  entries_.resize(last);
}

void MemoryLog::replace(std::string identity) {
  const std::lock_guard lock(mutex_);
  identity_ = std::move(identity);
  entries_.clear();
  ids_.clear();
}

void MemoryLog::append_raw(std::string data) {
  {
    const std::lock_guard lock(mutex_);
    store(std::move(data));
  }
  grown_.notify_all();
}

std::vector<std::string> MemoryLog::entries() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  for (const auto& entry : entries_) out.push_back(entry.data);
  return out;
}

std::vector<std::string> MemoryLog::message_ids() const {
  const std::lock_guard lock(mutex_);
  return asked_;
}

Revision MemoryLog::store(std::string data) {
  entries_.push_back({entries_.size() + 1, clock_.wall(), std::move(data)});
  return entries_.size();
}

void MemoryLog::append(std::string_view message_id, std::string_view data, MonoTime,
                       AppendDone done) {
  Result<Appended> answer = unavailable();
  {
    const std::lock_guard lock(mutex_);
    asked_.emplace_back(message_id);
    if (connected_ && lose_publishes_ > 0) {
      --lose_publishes_;
      answer = unknown();
    } else if (connected_ && full_) {
      answer = Error{Code::out_of_space, "stream_full", "No room", ""};
    } else if (connected_) {
      const auto [known, fresh] = ids_.try_emplace(std::string(message_id), 0);
      if (fresh) known->second = store(std::string(data));
      answer = Appended{known->second, !fresh};
      if (lose_acks_ > 0) {
        --lose_acks_;
        answer = unknown();
      } else if (hold_acks_) {
        held_.emplace_back(std::move(done), *answer);
      }
    }
  }
  grown_.notify_all();
  if (done) done(std::move(answer));
}

Result<std::unique_ptr<replica::LogTail>> MemoryLog::tail(Revision from, Sink sink) {
  return std::unique_ptr<replica::LogTail>(std::make_unique<Tail>(*this, from, std::move(sink)));
}

Result<LogInfo> MemoryLog::info() {
  const std::lock_guard lock(mutex_);
  if (!connected_) return unavailable();
  if (missing_) return Error{Code::not_found, "log_not_found", "No such log", ""};
  std::uint64_t bytes = 0;
  for (std::size_t i = first_ - 1; i < entries_.size(); ++i) bytes += entries_[i].data.size();
  return LogInfo{first_, entries_.size(), identity_, bytes, replicas_, test_clock_};
}

Result<LogEntry> MemoryLog::get(Revision revision) {
  const std::lock_guard lock(mutex_);
  if (!connected_) return unavailable();
  if (revision < first_ || revision > entries_.size()) {
    return Error{Code::not_found, "entry_not_found", "No such entry", ""};
  }
  return entries_[revision - 1];
}

Result<void> MemoryLog::append_again(const LogEntry& entry) {
  {
    const std::lock_guard lock(mutex_);
    if (!connected_) return unavailable();
    if (entry.revision != entries_.size() + 1) {
      return Error{Code::conflict, "wrong_last_sequence", "The log ends elsewhere", ""};
    }
    entries_.push_back(entry);
  }
  grown_.notify_all();
  return {};
}

Result<void> MemoryLog::truncate_below(Revision revision) {
  const std::lock_guard lock(mutex_);
  if (!connected_) return unavailable();
  first_ = std::max(first_, revision);
  return {};
}

Result<void> MemoryLog::create() {
  const std::lock_guard lock(mutex_);
  missing_ = false;
  return {};
}

std::uint64_t MemoryLog::session() const {
  const std::lock_guard lock(mutex_);
  return session_;
}

bool MemoryLog::connected() const {
  const std::lock_guard lock(mutex_);
  return connected_;
}

}  // namespace weir::test
