// EffectsCore: performs the effects that applied entries owe, in order: publish, then propose the
// watermark sys.effects_done. Runs on the leader only. At least once: after a change of leader
// effects may be published again, under the same message id.
//
// Not thread-safe, no thread and no clock of its own. step() blocks as long as the sink does.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pkg/replica/sys_machine.hpp"

namespace weir::replica {

struct EffectMessage {
  std::string id;  // Nats-Msg-Id: the same for every try, on every node
  std::string_view subject;
  std::string_view headers_json;
  std::string_view body;
};

class EffectSink {
 public:
  virtual ~EffectSink() = default;
  // Makes what it publishes into, if it is missing. False: try again later. Blocks likewise.
  virtual bool prepare() { return true; }
  // Publishes in order and returns how many of the first are surely stored; the rest is tried again
  // later. Blocks for at most a few seconds.
  virtual std::size_t publish(std::span<const EffectMessage> messages) = 0;
};

class EffectsCore {
 public:
  static constexpr std::size_t kBatch = 256;
  // Reads the effects after an id, at most `limit`.
  using Reader = std::function<std::vector<OwedEffect>(EffectId after, std::size_t limit)>;

  EffectsCore(EffectSink& sink, Reader reader) : sink_(sink), reader_(std::move(reader)) {}

  // Ids are unique to a log: two logs may owe effects to one stream.
  void set_id_prefix(std::string prefix) { id_prefix_ = std::move(prefix); }

  // Publishes one batch, if it is time. `owed`: effects in the tables. The operation to propose, if
  // any; its outcome goes to on_watermark().
  std::optional<Operation> step(std::size_t owed, MonoTime now);
  void on_watermark(const Result<void>& result, MonoTime now);

  // When step() should run again; empty when it waits for new effects or for on_watermark().
  std::optional<MonoTime> next_step(std::size_t owed) const;
  std::uint64_t done() const { return done_; }

 private:
  std::size_t publish(const std::vector<OwedEffect>& effects);

  EffectSink& sink_;
  const Reader reader_;
  std::string id_prefix_;
  EffectId published_;  // up to here: by us, in this life
  EffectId confirmed_;  // up to here: watermark applied
  EffectId proposed_;
  bool proposing_ = false;
  MonoTime not_before_{};
  Millis pause_{0};
  std::uint64_t done_ = 0;
};

}  // namespace weir::replica
