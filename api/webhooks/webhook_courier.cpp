#include "api/webhooks/webhook_courier.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "api/core/bootstrap.hpp"
#include "jobs/webhooks.hpp"
#include "pkg/json/view.hpp"
#include "pkg/log/log.hpp"
#include "pkg/webhook/signature.hpp"

namespace weir::api {
namespace {

constexpr std::size_t kAtOnce = 64;         // requests under way
constexpr std::size_t kAtOncePerQueue = 8;  // the same of one queue
constexpr Millis kLook{500};                // whether it leads
constexpr Millis kProposeWait{5'000};
constexpr Millis kPause{500};  // before reports that were not taken are proposed again

}  // namespace

Result<void> WebhookCourier::start() {
  if (thread_.joinable()) return {};
  parts_.instance.open_waiter(std::string(jobs::kWebhookWaiter),
                              [this](const std::string&) { wake(); });
  thread_ = std::thread([this] { run(); });
  return {};
}

void WebhookCourier::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  news_.notify_all();
  if (!thread_.joinable()) return;
  thread_.join();
  parts_.instance.close_waiter(std::string(jobs::kWebhookWaiter));
}

void WebhookCourier::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  news_.notify_one();
}

void WebhookCourier::run() {
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
      if (std::exchange(woken_, false)) next_due_ = 0;
    }
    take_told();
    if (!leads()) {
      forget();
    } else if (term_ != 0 || take_lead()) {
      propose_reports();
      if (next_due_ <= log_time()) deliver_due();
    }
    wait();
  }
}

void WebhookCourier::wait() {
  Millis longest = kLook;
  if (term_ != 0) {
    longest = std::min(longest, Millis(std::max<std::int64_t>(0, next_due_ - log_time())));
  }
  const auto now = parts_.clock.mono();
  const bool pausing = now < report_again_;
  if (pausing) longest = std::min(longest, std::chrono::ceil<Millis>(report_again_ - now));
  const bool may_report = !reporting_ && !pausing;
  std::unique_lock lock(mutex_);
  news_.wait_for(lock, longest, [this, may_report] {
    return stopping_ || woken_ || !told_.empty() || (may_report && !reports_.empty());
  });
}

bool WebhookCourier::leads() const {
  const auto health = parts_.instance.health();
  return health.applying && health.role == replica::Role::leader;
}

// The log's clock may be ahead of this one.
std::int64_t WebhookCourier::log_time() const {
  return to_unix_ms(std::max(parts_.clock.wall(), parts_.instance.health().applied_time));
}

bool WebhookCourier::take_lead() {
  const auto reply = propose_and_wait(parts_.instance,
                                      jobs::webhook_lead(parts_.instance.node_id()), kProposeWait);
  if (!reply) return false;
  term_ = json::View(reply->json).find("term").as_int().value_or(0);
  next_due_ = 0;
  log::info("webhooks_led", {{"term", term_}});
  return true;
}

void WebhookCourier::forget() {
  term_ = 0;
  busy_.clear();
  busy_in_.clear();
  reporting_ = false;
  const std::lock_guard lock(mutex_);
  reports_.clear();
}

// --- reports -------------------------------------------------------------------------------------

void WebhookCourier::report(std::int64_t term, jobs::WebhookReport report) {
  {
    const std::lock_guard lock(mutex_);
    reports_.emplace_back(term, std::move(report));
  }
  news_.notify_one();
}

// One operation at a time: what comes meanwhile goes into the next.
void WebhookCourier::propose_reports() {
  if (reporting_ || parts_.clock.mono() < report_again_) return;
  Reports batch;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(reports_, [this](const auto& each) { return each.first != term_; });
    const auto count = std::min(reports_.size(), jobs::kMaxWebhookReports);
    for (std::size_t i = 0; i < count; ++i) batch.push_back(std::move(reports_[i].second));
    reports_.erase(reports_.begin(), reports_.begin() + static_cast<std::ptrdiff_t>(count));
  }
  if (batch.empty()) return;
  reporting_ = true;
  auto operation = jobs::webhook_report(term_, batch);
  parts_.instance.propose(std::move(operation), [this, term = term_, batch = std::move(batch)](
                                                    Result<replica::Reply> reply) mutable {
    Result<void> result;
    if (!reply) result = std::move(reply).error();
    {
      const std::lock_guard lock(mutex_);
      told_.push_back({term, std::move(batch), std::move(result)});
    }
    news_.notify_one();
  });
}

void WebhookCourier::take_told() {
  std::vector<Told> told;
  {
    const std::lock_guard lock(mutex_);
    told.swap(told_);
  }
  for (auto& each : told) {
    if (each.term != term_) continue;
    reporting_ = false;
    if (each.result) {
      for (const auto& one : each.reports) done_with(one.id);
      next_due_ = 0;  // there is room again, and a retry may be due
    } else if (each.result.error().reason == "webhook_sender_replaced") {
      forget();
    } else {  // it is not known whether they were taken; the log counts each once
      report_again_ = parts_.clock.mono() + kPause;
      const std::lock_guard lock(mutex_);
      for (auto& one : each.reports) reports_.emplace_back(term_, std::move(one));
    }
  }
}

void WebhookCourier::done_with(const std::string& id) {
  const auto found = busy_.find(id);
  if (found == busy_.end()) return;
  const auto queue = busy_in_.find(found->second);
  if (--queue->second == 0) busy_in_.erase(queue);
  busy_.erase(found);
}

// --- deliveries ----------------------------------------------------------------------------------

void WebhookCourier::deliver_due() {
  if (busy_.size() >= kAtOnce) {
    next_due_ = std::numeric_limits<std::int64_t>::max();  // a report makes room
    return;
  }
  const jobs::DueQuestion question{
      .now = log_time(),
      .limit = kAtOnce - busy_.size(),
      .per_queue = kAtOncePerQueue,
      .after = last_queue_,
      .is_busy = [this](const std::string& id) { return busy_.contains(id); },
      .busy_in = [this](const std::string& queue) -> std::size_t {
        const auto found = busy_in_.find(queue);
        return found == busy_in_.end() ? 0 : found->second;
      }};
  jobs::DueAnswer answer;
  const auto read = parts_.instance.read([&](sqlite::Database& db) -> Result<void> {
    answer = jobs::find_due_deliveries(db, question);
    return {};
  });
  if (!read) {
    next_due_ = log_time() + kPause.count();
    return;
  }
  next_due_ = answer.next_due;
  last_queue_ = answer.last;
  for (auto& due : answer.due) begin(std::move(due));
}

void WebhookCourier::begin(jobs::DueDelivery due) {
  busy_.emplace(due.id, due.queue);
  ++busy_in_[due.queue];
  if (due.secrets.empty()) due.secrets = parts_.default_secret;
  post(due, term_);
}

void WebhookCourier::post(const jobs::DueDelivery& due, std::int64_t term) {
  const auto refuse = [&](std::string why) {
    report(term, {.id = due.id, .attempt = due.attempt, .error = std::move(why), .final = true});
  };
  if (due.url.empty()) return refuse("the queue has no webhook any more");
  if (due.secrets.empty()) return refuse("there is no secret to sign with");
  auto target = webhook::parse_target(due.url);
  if (!target) return refuse(target.error().details);
  const auto seconds = to_unix_ms(parts_.clock.wall()) / 1'000;
  auto signature = webhook::sign(due.secrets, due.id, seconds, due.body);
  if (!signature) return refuse("the secret is not valid");
  log::debug("webhook_sent", {{"id", due.id}, {"host", target->host}, {"attempt", due.attempt}});
  parts_.sender.send({.target = std::move(*target),
                      .id = due.id,
                      .unix_seconds = seconds,
                      .signature = std::move(*signature),
                      .body = due.body},
                     [this, term, id = due.id, attempt = due.attempt](webhook::Outcome outcome) {
                       report(term, {.id = id,
                                     .attempt = attempt,
                                     .status = outcome.status,
                                     .error = std::move(outcome.error),
                                     .retry_after = outcome.retry_after,
                                     .final = outcome.final});
                     });
}

}  // namespace weir::api
