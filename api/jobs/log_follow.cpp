#include "api/jobs/log_follow.hpp"

#include <memory>
#include <mutex>

namespace weir::api {
namespace {

constexpr std::int64_t kPageLines = 200;
constexpr std::size_t kPageBytes = 64 << 10;  // fits into the half of the queue that has room

// The stream's queue owns it, until the client is gone.
class LogFollow : public std::enable_shared_from_this<LogFollow> {
 public:
  LogFollow(Services& services, std::string id, const jobs::LogRequest& request,
            http::EventStream stream)
      : services_(services), id_(std::move(id)), request_(request), stream_(std::move(stream)) {
    request_.limit = kPageLines;
    request_.max_bytes = kPageBytes;
  }

  void begin() {
    const std::weak_ptr<LogFollow> weak = weak_from_this();
    const auto wake = [weak] {
      if (const auto self = weak.lock()) self->wake();
    };
    // Watching starts before the first look, so that no line falls between.
    auto lines = services_.instance.watch(jobs::log_key(id_), wake);
    auto end = services_.instance.watch("job:" + id_, wake);
    {
      const std::lock_guard lock(mutex_);
      lines_ = std::move(lines);
      end_ = std::move(end);
    }
    stream_.queue()->on_closed([self = shared_from_this()] { self->stop(); });
    wake();
  }

 private:
  // Any thread: only hands the look to a worker; what happens during a look causes another one.
  void wake() {
    {
      const std::lock_guard lock(mutex_);
      if (stopped_) return;
      changed_ = true;
      if (looking_) return;
      looking_ = true;
    }
    const bool queued = services_.workers.run([self = shared_from_this()] { self->look_on(); });
    if (!queued) stream_.finish();  // busy: it comes again with Last-Event-ID
  }

  void look_on() {
    for (;;) {
      {
        const std::lock_guard lock(mutex_);
        if (stopped_ || !changed_) {
          looking_ = false;
          return;
        }
        changed_ = false;
      }
      look();
    }
  }

  void look() {
    jobs::LogPage page;
    const auto read = services_.instance.read([&](sqlite::Database& db) -> Result<void> {
      WEIR_ASSIGN(page, jobs::read_log(db, id_, request_));
      return {};
    });
    if (!read) return stream_.finish();
    for (const auto& line : page.lines) {
      const auto number = std::to_string(line.number);
      stream_.send({.id = number, .type = "log", .data = line.text});
    }
    request_.after = page.last;
    if (page.more) {
      // The next page when this one is on its way.
      stream_.queue()->on_room([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->wake();
      });
    } else if (page.ended) {
      stream_.send({.type = "end", .data = R"({"reason":"job_ended"})"});
      stream_.finish();
    }
  }

  void stop() {
    std::shared_ptr<void> lines, end;  // destroyed outside the lock
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    lines.swap(lines_);
    end.swap(end_);
  }

  Services& services_;
  const std::string id_;
  jobs::LogRequest request_;  // of who looks
  const http::EventStream stream_;
  std::mutex mutex_;
  bool stopped_ = false;
  bool looking_ = false;
  bool changed_ = false;
  std::shared_ptr<void> lines_;
  std::shared_ptr<void> end_;
};

}  // namespace

void follow_log(Services& services, std::string id, const jobs::LogRequest& request,
                const http::EventStream& stream) {
  std::make_shared<LogFollow>(services, std::move(id), request, stream)->begin();
}

}  // namespace weir::api
