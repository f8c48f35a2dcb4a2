#include "api/job_wait.hpp"

#include <mutex>

#include "jobs/queries.hpp"

namespace weir::api {
namespace {

class JobWait : public std::enable_shared_from_this<JobWait> {
 public:
  JobWait(Services& services, Call call, std::string job_id)
      : services_(services), call_(std::move(call)), job_id_(std::move(job_id)) {}

  void begin(Millis wait) {
    const std::weak_ptr<JobWait> weak = weak_from_this();
    // Watching starts before the first look, so that no change falls between.
    auto watch = services_.instance.watch("job:" + job_id_, [weak] {
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

  // Answers when the job has ended or cannot be read.
  void look() {
    auto status = jobs::Status::scheduled;
    const auto read = services_.instance.read([&](sqlite::Database& db) -> Result<void> {
      WEIR_ASSIGN(status, jobs::get_status(db, job_id_));
      return {};
    });
    if (!read) {
      if (end()) call_.fail(read.error());
    } else if (jobs::is_finished(status)) {
      answer();
    }
  }

  void on_timeout() {
    if (!services_.workers.run([self = shared_from_this()] { self->answer(); })) refuse();
  }

  void answer() {
    if (!end()) return;
    answer_read(services_, call_, [&](sqlite::Database& db) { return jobs::get_job(db, job_id_); });
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
  const std::string job_id_;
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
  std::make_shared<JobWait>(services, call, job_id)->begin(wait);
}

}  // namespace weir::api
