#include "api/admin/test_clock.hpp"

#include <algorithm>

#include "jobs/fields.hpp"
#include "pkg/json/writer.hpp"
#include "pkg/replica/sys_machine.hpp"

namespace weir::api {
namespace {

using replica::Reply;
using replica::SysMachine;

constexpr Millis kLongestAdvance = std::chrono::hours(24 * 3'653);  // ten years
constexpr std::size_t kMostWaiting = 100;
constexpr Millis kPatience = std::chrono::seconds(15);  // with something due that is not done
constexpr Millis kLongest = std::chrono::minutes(5);    // for one request
constexpr Millis kEffectsPatience = std::chrono::seconds(2);
constexpr Millis kLookAgain{200};

}  // namespace

Result<ClockRequest> read_clock_request(json::View body) {
  jobs::FieldErrors errors;
  ClockRequest request;
  {
    jobs::Fields fields(errors, body);
    request.advance = Millis{fields.duration_ms("advance", Millis{0}, kLongestAdvance).value_or(0)};
    request.jump = fields.boolean("jump").value_or(false);
    request.freeze = fields.boolean("freeze");
    const bool asks = fields.has("advance") || fields.has("freeze");
    fields.finish();
    if (errors.empty() && !asks) errors.invalid("advance", "give advance, freeze or both");
  }
  if (!errors.empty()) return errors.error("invalid_request", "The request is not valid");
  return request;
}

std::string clock_json(const replica::TestClock& clock, std::optional<std::uint64_t> steps) {
  const auto now = clock.wall();
  json::Writer out;
  out.begin_object().member("now", now);
  out.member("ahead_ms", (now - clock.real().wall()).count()).member("frozen", clock.stands());
  if (steps) out.member("steps", *steps);
  out.end_object();
  return out.take();
}

// One request under way. Its steps run on the applier thread, one at a time.
class ClockSetter::Advance : public std::enable_shared_from_this<ClockSetter::Advance> {
 public:
  Advance(ClockSetter& owner, const ClockRequest& request, Done done)
      : owner_(owner), services_(owner.services_), request_(request), done_(std::move(done)) {}

  void begin() {
    const auto now = services_.clock.mono();
    progressed_ = now;
    give_up_ = now + kLongest;
    SysMachine::ClockChange change;
    if (request_.freeze == true) change.freeze = true;
    propose(change, [](Advance& self, Timestamp reached) {
      self.target_ = reached + self.request_.advance;
      self.step();
    });
  }

 private:
  using Then = void (*)(Advance&, Timestamp reached);

  void propose(const SysMachine::ClockChange& change, Then then) {
    services_.instance.propose(
        SysMachine::test_clock(change), [self = shared_from_this(), then](Result<Reply> reply) {
          if (!reply) return self->end(std::move(reply).error());
          const auto now_ms = json::View(reply->json).find("now_ms").as_int();
          self->reached_ = from_unix_ms(now_ms.value_or(0));
          self->progressed_ = self->services_.clock.mono();
          then(*self, self->reached_);
        });
  }

  void step() {
    const auto health = services_.instance.health();
    const bool left = reached_ < target_;
    if (health.next_due <= reached_ && !(left && request_.jump)) return wait(health);
    if (!left) return settle_effects();
    ++steps_;
    const auto next = request_.jump ? target_ : std::min(target_, health.next_due);
    propose({.to = next, .freeze = std::nullopt}, [](Advance& self, Timestamp) { self.step(); });
  }

  // For the leader. Each commit is looked at.
  void wait(const replica::Health& health) {
    const auto now = services_.clock.mono();
    if (health.next_due != waits_for_) progressed_ = now;
    waits_for_ = health.next_due;
    if (now - progressed_ > kPatience || now > give_up_) return end(behind());
    when_changed(health, [](Advance& self) { self.step(); });
  }

  // Dead letters and events are messages that the leader still has to send.
  void settle_effects() {
    const auto health = services_.instance.health();
    const auto now = services_.clock.mono();
    if (!settled_) settled_ = now;
    if (health.effects_waiting == 0 || now - *settled_ > kEffectsPatience) return finish();
    when_changed(health, [](Advance& self) { self.settle_effects(); });
  }

  void when_changed(const replica::Health& health, void (*then)(Advance&)) {
    services_.instance.when_applied(health.applied + 1, services_.clock.mono() + kLookAgain,
                                    [self = shared_from_this(), then](const Result<void>& changed) {
                                      const bool ending = !changed && changed.error().reason !=
                                                                          "revision_not_reached";
                                      ending ? self->end(changed.error()) : then(*self);
                                    });
  }

  void finish() {
    if (request_.freeze != false) return set_data();
    propose({.to = std::nullopt, .freeze = false},
            [](Advance& self, Timestamp) { self.set_data(); });
  }

  // The log of the data structures goes by the same time. What expired is not shown any more.
  void set_data() {
    if (services_.data == nullptr) return end(steps_);
    services_.data->propose(SysMachine::test_clock({.to = target_, .freeze = request_.freeze}),
                            [self = shared_from_this()](Result<Reply> reply) {
                              reply ? self->end(self->steps_) : self->end(std::move(reply).error());
                            });
  }

  Error behind() const {
    return Error{Code::deadline_exceeded, "clock_behind",
                 "What became due was not done in time; the clock stands at what was reached",
                 std::to_string((target_ - reached_).count()) +
                     " ms are left: advance again, or with \"jump\""};
  }

  void end(Result<std::uint64_t> result) {
    done_(std::move(result));
    owner_.ended();
  }

  ClockSetter& owner_;
  Services& services_;
  const ClockRequest request_;
  const Done done_;
  Timestamp reached_{};
  Timestamp target_{};
  Timestamp waits_for_{};
  MonoTime progressed_{};
  MonoTime give_up_{};
  std::optional<MonoTime> settled_;
  std::uint64_t steps_ = 0;
};

void ClockSetter::run(const ClockRequest& request, Done done) {
  const auto advance = std::make_shared<Advance>(*this, request, done);
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() < kMostWaiting) {
      first = waiting_.empty();
      waiting_.push_back(advance);
      done = nullptr;
    }
  }
  if (done) {
    done(Error{Code::too_many_requests,
               "clock_busy",
               "Too many requests wait to set the clock",
               "",
               {},
               Millis{1'000}});
  } else if (first) {
    advance->begin();
  }
}

void ClockSetter::ended() {
  std::shared_ptr<Advance> next;
  {
    const std::lock_guard lock(mutex_);
    waiting_.pop_front();
    if (!waiting_.empty()) next = waiting_.front();
  }
  if (next) next->begin();
}

}  // namespace weir::api
