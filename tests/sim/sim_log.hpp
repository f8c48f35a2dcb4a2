// SimLog: the replicated log of a simulated run, as a cluster that misbehaves would show it:
// publishes lost, delayed, stored twice (inside and outside the duplicate window), answers lost,
// nodes cut off, deliveries late, a clock that steps back when the leader changes, its newest
// entries gone after lost power.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "pkg/replica/log.hpp"
#include "tests/sim/world.hpp"

namespace weir::sim {

class SimLog {
 public:
  explicit SimLog(World& world);

  // What one node sees of it. A cut node reaches nothing.
  class View final : public replica::Log {
   public:
    View(SimLog& log, std::size_t node) : log_(log), node_(node) {}
    void append(std::string_view message_id, std::string_view data, MonoTime deadline,
                AppendDone done) override;
    Result<std::unique_ptr<replica::LogTail>> tail(replica::Revision from, Sink sink) override;
    Result<replica::LogInfo> info() override;
    Result<replica::LogEntry> get(replica::Revision revision) override;
    Result<void> create() override { return {}; }
    Result<void> append_again(const replica::LogEntry& entry) override;
    Result<void> truncate_below(replica::Revision revision) override;
    bool connected() const override { return !cut_; }
    std::uint64_t session() const override { return session_; }
    std::size_t max_entry_bytes() const override { return log_.max_entry_bytes_; }
    void set_cut(bool cut);
    bool lost_its_end() const { return log_.lost_its_end(); }

   private:
    friend class SimLog;
    SimLog& log_;
    const std::size_t node_;
    bool cut_ = false;
    std::uint64_t session_ = 1;
  };

  View& view(std::size_t node);

  // Everything after `last` is gone, and all nodes lost their connections, with what was on its
  // way. What was applied, to `reach`, is to be given back before anything else is stored.
  void lose_end(replica::Revision last, replica::Revision reach);
  bool lost_its_end() const { return last() < reach_; }
  std::uint64_t lost() const { return lost_; }        // entries
  replica::Revision first() const { return first_; }  // nodes see none before it

  replica::Revision last() const { return entries_.size(); }
  const replica::LogEntry& entry(replica::Revision revision) const {
    return entries_[revision - 1];
  }
  std::string identity() const { return "sim"; }
  bool test_clock() const { return test_clock_; }  // as LogInfo has it
  std::uint64_t duplicates_stored() const { return duplicates_stored_; }

 private:
  class Tail;
  replica::Appended store(const std::string& id, const std::string& data);
  void deliver_soon(Tail& tail);
  void step_clock();

  World& world_;
  std::vector<std::unique_ptr<View>> views_;
  std::vector<replica::LogEntry> entries_;  // truncated ones too
  replica::Revision first_ = 1;
  replica::Revision reach_ = 0;
  std::uint64_t lost_ = 0;
  std::uint64_t losses_ = 0;  // how often
  std::map<std::string, std::pair<Micros, replica::Revision>> ids_;
  std::vector<Tail*> tails_;
  Micros duplicate_window_;
  bool test_clock_;
  Millis clock_skew_{0};
  std::size_t max_entry_bytes_;
  std::uint64_t duplicates_stored_ = 0;
};

}  // namespace weir::sim
