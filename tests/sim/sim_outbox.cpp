#include "tests/sim/sim_outbox.hpp"

#include <array>

#include "pkg/base/assert.hpp"

namespace weir::sim {

using namespace std::chrono_literals;

SimOutbox::SimOutbox(World& world, replica::Log& log, const Clock& clock, Later later,
                     std::string path, const std::string& node)
    : world_(world), log_(log), clock_(clock), later_(std::move(later)) {
  auto file = replica::OutboxFile::open({.path = std::move(path),
                                         .proposer = node + "-outbox",
                                         .max_entry_bytes = 400 + world.below(4'000)});
  WEIR_ASSERT(file.has_value());
  file_ = std::move(*file);
  const auto content = file_->content();
  WEIR_ASSERT(content.has_value());
  operations_ = content->operations;
}

void SimOutbox::keep(replica::Operation operation, replica::ReplyHandler done) {
  ++operations_;
  later_(Micros{world_.between(100, 5'000)}, [this, operation, done = std::move(done)] {
    const std::array batch{&operation};
    WEIR_ASSERT(file_->write(batch).has_value());
    world_.trace("kept " + operation.name);
    // It may die between the disk and the answer.
    later_(Micros{world_.between(1, 500)}, [operation, done] {
      done(replica::Reply{.json = operation.body, .revision = 0, .kept = true});
    });
  });
}

void SimOutbox::drain(replica::Revision applied) {
  if (under_way_ && under_way_->revision && applied >= *under_way_->revision) {
    if (under_way_->session == log_.session()) {
      WEIR_ASSERT(file_->forget(under_way_->entry).has_value());
      operations_ -= under_way_->entry.operations;
      world_.trace("drained " + under_way_->entry.message_id);
    }
    under_way_.reset();
  }
  if (under_way_ || empty() || !log_.connected()) return;
  auto next = file_->next_entry();
  WEIR_ASSERT(next.has_value());
  if (!*next) return;  // on its way to the disk
  under_way_ = HandedOver{**next, log_.session(), std::nullopt};
  log_.append(under_way_->entry.message_id, under_way_->entry.data, clock_.mono() + 5s,
              [this, alive = alive_](const Result<replica::Appended>& appended) {
                if (!*alive || !under_way_) return;
                if (appended) {
                  under_way_->revision = appended->revision;
                } else {
                  under_way_.reset();
                }
              });
}

}  // namespace weir::sim
