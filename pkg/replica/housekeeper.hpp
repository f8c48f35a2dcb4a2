// Housekeeper: the thread behind the leader's duties (ticks, effects, checkpoints), the lease that
// says who leads, and this node's digests of its state. What it does it proposes like everybody
// else.
//
// Lifecycle: construct -> start() -> stop(). on_commit(), leads(), wake(), look_now() and what it
// is asked as Leadership are thread-safe.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "pkg/replica/digest_core.hpp"
#include "pkg/replica/effects_core.hpp"
#include "pkg/replica/instance.hpp"
#include "pkg/replica/leader_core.hpp"
#include "pkg/replica/leadership.hpp"
#include "pkg/replica/proposals_core.hpp"
#include "pkg/replica/tick_core.hpp"

namespace weir::replica {

class Housekeeper final : public Leadership {
 public:
  struct Hooks {
    std::function<void(Operation, ReplyHandler)> propose;
    ProposalsCore::Ask proposals;
    std::function<bool()> look_at_log;  // every 2 s, or 0.5 s after it said true; may block
    std::function<bool()> ready;        // caught up and healthy: only then it wants to lead
  };

  Housekeeper(const std::vector<StateMachine*>& machines, LeaderCore::Options leader,
              LeaseStore& leases, EffectSink& sink, EffectsCore::Reader reader, DigestCore digests,
              Hooks hooks, const Clock& clock);
  ~Housekeeper() override { stop(); }

  void set_effect_id_prefix(std::string prefix);  // before start()
  void start();
  void resign();  // gives the lease back and never leads again; goes on looking at the log
  void stop();    // the same, and ends

  // After each commit, from the applier thread: what each machine waits for.
  struct State {
    std::vector<std::optional<Timestamp>> due;        // one for each machine
    std::vector<std::optional<Timestamp>> proposals;  // the same
    Timestamp log_time{};
    bool stands = false;   // the log's time, by a test clock
    bool stepped = false;  // it was set since the last time
    std::size_t effects_waiting = 0;
    DigestNews digests;
  };
  // The earliest time in it; Timestamp::max(): none.
  static Timestamp earliest(const State& state);
  // The state is taken over; its memory comes back for the next time.
  void on_commit(State& state);

  const std::string& holder() const override { return leader_.holder(); }
  bool leads() const override { return leader_.leads(clock_.mono()); }
  void hand_over(std::string heir, Done done) override {
    ask({Move::hand_over, std::move(heir), std::move(done)});
  }
  void claim(Done done) override { ask({Move::claim, "", std::move(done)}); }
  void take(Done done) override { ask({Move::take, "", std::move(done)}); }

  std::uint64_t effects_done() const { return effects_done_.load(); }
  void wake();
  void look_now();  // at the log

 private:
  enum class Duty : std::uint8_t { tick, proposal, effects, checkpoint, digest };
  struct Outcome {
    Duty duty;
    std::size_t machine;
    Result<void> result;
  };

  enum class Move : std::uint8_t { hand_over, claim, take };
  struct Question {
    Move move;
    std::string heir;
    Done done;
  };

  void run();
  void ask(Question question);
  void answer_questions(bool may_lead);
  Result<void> answer(const Question& question, bool may_lead);
  void take_news();
  void lead(const Now& now);
  void propose(Operation operation, Duty duty, std::size_t machine);
  MonoTime next_step(const Now& now) const;

  TickCore ticks_;
  ProposalsCore proposals_;
  LeaderCore leader_;
  EffectSink& sink_;
  bool sink_prepared_ = false;
  EffectsCore effects_;
  DigestCore digests_;
  const Hooks hooks_;
  const Clock& clock_;
  std::size_t owed_ = 0;  // effects waiting, as of the last news
  MonoTime look_at_log_{};
  std::atomic<std::uint64_t> effects_done_{0};

  std::mutex mutex_;
  std::condition_variable news_;
  State state_;                      // guarded by mutex_
  MonoTime state_at_{};              // guarded by mutex_
  bool fresh_ = false;               // guarded by mutex_
  std::vector<Outcome> told_;        // guarded by mutex_
  Timestamp armed_{};                // guarded by mutex_: the earliest due time it sleeps for
  bool woken_ = false;               // guarded by mutex_
  bool look_now_ = false;            // guarded by mutex_
  bool resigned_ = false;            // guarded by mutex_
  std::vector<Question> questions_;  // guarded by mutex_
  bool stopping_ = false;            // guarded by mutex_
  std::thread thread_;
};

}  // namespace weir::replica
