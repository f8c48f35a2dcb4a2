#include "api/jobs/job_wait.hpp"

#include <functional>
#include <mutex>

#include "jobs/batch_query.hpp"
#include "jobs/queries.hpp"

namespace weir::api {
namespace {

// What is waited for.
struct Awaited {
  std::string key;  // of Instance::watch
  std::function<Result<bool>(sqlite::Database&)> has_ended;
  std::function<Result<std::string>(sqlite::Database&)> read;  // the answer
};

class EndWait : public std::enable_shared_from_this<EndWait> {
 public:
  EndWait(Services& services, Call call, Awaited awaited)
      : services_(services), call_(std::move(call)), awaited_(std::move(awaited)) {}

  void begin(Millis wait) {
    const std::weak_ptr<EndWait> weak = weak_from_this();
    // Watching starts before the first look, so that no change falls between.
    auto watch = services_.instance.watch(awaited_.key, [weak] {
      if (const auto self = weak.lock()) self->on_change();
    });
    const auto timer = services_.timers.set(services_.clock.mono() + wait,
                                            [self = shared_from_this()] { self->on_timeout(); });
    {
      const std::lock_guard lock(mutex_);
      watch_ = std::move(watch);
      timer_ = timer;
    }
    call_.responder().on_closed([weak] {
      if (const auto self = weak.lock()) self->end();
    });
    look();
  }

 private:
  // Applier thread: only hands the look to a worker; changes during a look cause another one.
  void on_change() {
    {
      const std::lock_guard lock(mutex_);
      if (ended_) return;
      changed_ = true;
      if (looking_) return;
      looking_ = true;
    }
    dispatch();
  }

  void dispatch() {
    if (!services_.workers.run([self = shared_from_this()] { self->look_again(); })) refuse();
  }

  void refuse() {
    if (!end()) return;
    call_.fail({Code::unavailable, "overloaded", "Too many requests wait for a read.",
                "Try again in a moment."});
  }

  void look_again() {
    for (;;) {
      {
        const std::lock_guard lock(mutex_);
        if (ended_ || !changed_) {
          looking_ = false;
          return;
        }
        changed_ = false;
      }
      look();
    }
  }

  // Answers when it has ended or cannot be read.
  void look() {
    bool has_ended = false;
    const auto read = services_.instance.read([&](sqlite::Database& db) -> Result<void> {
      WEIR_ASSIGN(has_ended, awaited_.has_ended(db));
      return {};
    });
    if (!read) {
      if (end()) call_.fail(read.error());
    } else if (has_ended) {
      answer();
    }
  }

  void on_timeout() {
    if (!services_.workers.run([self = shared_from_this()] { self->answer(); })) refuse();
  }

  void answer() {
    if (!end()) return;
    answer_read(services_, call_, awaited_.read);
  }

  bool end() {
    std::shared_ptr<void> watch;  // destroyed outside the lock
    Timers::Id timer = 0;
    {
      const std::lock_guard lock(mutex_);
      if (ended_) return false;
      ended_ = true;
      watch = std::move(watch_);
      timer = timer_;
    }
    services_.timers.cancel(timer);
    return true;
  }

  Services& services_;
  const Call call_;
  const Awaited awaited_;
  std::mutex mutex_;
  bool ended_ = false;
  bool looking_ = false;
  bool changed_ = false;
  std::shared_ptr<void> watch_;
  Timers::Id timer_ = 0;
};

}  // namespace

void answer_when_finished(Services& services, const Call& call, const std::string& job_id,
                          Millis wait) {
  Awaited job{.key = "job:" + job_id,
              .has_ended = [job_id](sqlite::Database& db) -> Result<bool> {
                WEIR_ASSIGN(const auto status, jobs::get_status(db, job_id));
                return jobs::is_finished(status);
              },
              .read = [job_id](sqlite::Database& db) { return jobs::get_job(db, job_id); }};
  std::make_shared<EndWait>(services, call, std::move(job))->begin(wait);
}

void answer_when_batch_ended(Services& services, const Call& call, const std::string& batch_id,
                             Millis wait) {
  Awaited batch{.key = "batch:" + batch_id,
                .has_ended = [batch_id](sqlite::Database& db) -> Result<bool> {
                  WEIR_ASSIGN(const auto state, jobs::get_batch_state(db, batch_id));
                  return jobs::has_ended(state);
                },
                .read = [batch_id](sqlite::Database& db) { return jobs::get_batch(db, batch_id); }};
  std::make_shared<EndWait>(services, call, std::move(batch))->begin(wait);
}

}  // namespace weir::api
