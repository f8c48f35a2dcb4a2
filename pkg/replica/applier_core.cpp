#include "pkg/replica/applier_core.hpp"

#include "pkg/base/assert.hpp"
#include "pkg/replica/audit_record.hpp"

namespace weir::replica {
namespace {

bool stops_applying(const Error& error) {
  return error.code == Code::internal &&
         (error.reason == "log_gap" || error.reason == "malformed_entry" ||
          error.reason == "unknown_entry_version" || error.reason == "unknown_operation");
}

Error at_revision(Error error, Revision revision) {
  error.details =
      "revision " + std::to_string(revision) + (error.details.empty() ? "" : ": " + error.details);
  return error;
}

}  // namespace

void AppliedBatch::clear() {
  own.clear();
  kept.clear();
  deliveries.clear();
  touched.clear();
  touches_dropped = false;
  published.clear();
  publications_dropped = false;
  first = last = 0;
  entries = 0;
  operations = 0;
}

// Gathers what operations send out until the transaction is durable.
class ApplierCore::Collector final : public Outbound {
 public:
  Collector(const std::string& node_id, StateDigest& trail, std::function<bool()> watched,
            std::function<bool()> listened)
      : node_id_(node_id),
        trail_(trail),
        watched_(std::move(watched)),
        listened_(std::move(listened)) {}

  void begin(AppliedBatch& out) {
    out_ = &out;
    anyone_watches_ = watched_();
    out.touches_dropped = !anyone_watches_;
    anyone_listens_ = listened_ && listened_();
    out.publications_dropped = !anyone_listens_;
  }
  void at(Revision revision) { revision_ = revision; }

  void deliver(std::string_view node, std::string_view waiter, std::string json) override {
    trail_.mix(node);
    trail_.mix(json);
    if (node != node_id_) return;
    out_->deliveries.push_back({std::string(waiter), std::move(json), revision_});
  }
  void touch(std::string_view key) override {
    if (anyone_watches_) out_->touched.emplace_back(key);
  }
  bool anyone_watches() const override { return anyone_watches_; }
  void publish(std::string json) override {
    if (anyone_listens_) out_->published.push_back({revision_, std::move(json)});
  }
  bool anyone_listens() const override { return anyone_listens_; }

 private:
  const std::string& node_id_;
  StateDigest& trail_;
  const std::function<bool()> watched_;
  const std::function<bool()> listened_;
  AppliedBatch* out_ = nullptr;
  Revision revision_ = 0;
  bool anyone_watches_ = false;
  bool anyone_listens_ = false;
};

ApplierCore::ApplierCore(Options options, sqlite::Database& db, std::vector<StateMachine*> machines,
                         std::function<bool()> watched, std::function<bool()> listened)
    : options_(std::move(options)),
      db_(db),
      sys_(options_.node_id, options_.version),
      machines_(std::move(machines)) {
  collector_ = std::make_unique<Collector>(options_.node_id, sys_.digests().trail(),
                                           std::move(watched), std::move(listened));
  machines_.push_back(&sys_);
  add_effect_ = [this](Effect effect) {
    auto& trail = sys_.digests().trail();
    trail.mix(effect.subject);
    trail.mix(effect.headers_json);
    trail.mix(effect.body);
    sys_.add_effect(effect, db_);
  };
}

ApplierCore::~ApplierCore() = default;

Result<void> ApplierCore::open() {
  for (StateMachine* machine : machines_) {
    WEIR_TRY(db_.migrate(machine->prefix(), machine->migrations()));
  }
  stopped_.reset();
  return reload();
}

Result<void> ApplierCore::reload() {
  loaded_ = false;
  WEIR_TRY(db_.read([this]() -> Result<void> {
    for (StateMachine* machine : machines_) machine->open(db_);
    return {};
  }));
  for (StateMachine* machine : machines_) machine->after_commit();
  loaded_ = true;
  return {};
}

Result<void> ApplierCore::adopt(const SysMachine::Origin& origin) {
  WEIR_TRY(db_.transaction([&]() -> Result<void> {
    sys_.adopt(origin, db_);
    return {};
  }));
  return {};
}

Result<void> ApplierCore::apply(std::span<const DecodedEntry> entries, AppliedBatch& out) {
  out.clear();
  if (stopped_) return *stopped_;
  if (!loaded_) WEIR_TRY(reload());
  while (!entries.empty() && entries.front().revision() <= position().applied) {
    entries = entries.subspan(1);
  }
  if (entries.empty()) return {};

  auto result = commit(entries, out);
  if (result) return result;
  out.clear();
  loaded_ = false;
  if (!stops_applying(result.error())) {
    WEIR_TRY(reload());
    return result;
  }
  // The entries before the bad one are fine: they must not wait for it.
  WEIR_TRY(reload());
  if (bad_entry_ > 0) {
    auto before = commit(entries.first(bad_entry_), out);
    if (!before) {
      out.clear();
      loaded_ = false;
      return before;
    }
  }
  stopped_ = result.error();
  return result;
}

Result<void> ApplierCore::commit(std::span<const DecodedEntry> entries, AppliedBatch& out) {
  collector_->begin(out);
  out.first = entries.front().revision();
  out.last = entries.back().revision();
  WEIR_TRY(db_.transaction([&]() -> Result<void> {
    for (std::size_t i = 0; i < entries.size(); ++i) {
      bad_entry_ = i;
      if (auto applied = apply_entry(entries[i], out); !applied) {
        return at_revision(std::move(applied).error(), entries[i].revision());
      }
    }
    for (StateMachine* machine : machines_) machine->before_commit(db_);
    return {};
  }));
  for (StateMachine* machine : machines_) machine->after_commit();
  return {};
}

Result<void> ApplierCore::apply_entry(const DecodedEntry& entry, AppliedBatch& out) {
  if (entry.revision() != position().applied + 1) {
    return Error{Code::internal, "log_gap", "Entries of the log are missing",
                 "expected revision " + std::to_string(position().applied + 1)};
  }
  if (entry.problem()) return *entry.problem();

  const Timestamp before = position().time;
  sys_.advance(entry.revision(), entry.time(), entry.hash());
  if (const Millis gap = position().time - before; gap >= kLogGap) {
    collector_->at(entry.revision());
    auto context = context_of(entry);
    for (StateMachine* machine : machines_) machine->after_gap(gap, context);
  }
  ++out.entries;
  if (!sys_.admit(entry.proposer(), entry.sequence(), db_)) return {};

  auto* const own = answers_to(entry, out);
  OwnEntry answers{entry.sequence(), entry.revision(), {}};
  if (own != nullptr) answers.replies.reserve(entry.items().size());
  WEIR_TRY(apply_operations(entry, own != nullptr ? &answers : nullptr));
  out.operations += entry.items().size();
  if (own != nullptr) own->push_back(std::move(answers));
  return {};
}

// Where the answers go; null: nobody here waits for them.
std::vector<OwnEntry>* ApplierCore::answers_to(const DecodedEntry& entry, AppliedBatch& out) const {
  if (entry.proposer() == options_.proposer_id) return &out.own;
  if (!options_.outbox_awaited || entry.proposer() != options_.outbox_id) return nullptr;
  return options_.outbox_awaited(entry.sequence()) ? &out.kept : nullptr;
}

ApplyContext ApplierCore::context_of(const DecodedEntry& entry) {
  return {.db = db_,
          .revision = entry.revision(),
          .now = position().time,
          .wants_reply = false,
          .outbound = *collector_,
          .add_effect = add_effect_,
          .trail = &sys_.digests().trail()};
}

Result<void> ApplierCore::apply_operations(const DecodedEntry& entry, OwnEntry* own) {
  collector_->at(entry.revision());
  auto context = context_of(entry);
  context.wants_reply = own != nullptr;
  worked_ = false;
  for (const auto& item : entry.items()) {
    scratch_.name.assign(entry.text(item.name));
    scratch_.body.assign(entry.text(item.body));
    StateMachine* machine = machine_of(scratch_.name);
    if (machine == nullptr) {
      return Error{Code::internal, "unknown_operation", "This version does not know an operation",
                   scratch_.name + ": run the newer version"};
    }
    auto reply = apply_operation(*machine, context);
    if (!reply && reply.error().reason == "unknown_operation") return std::move(reply).error();
    if (item.actor.size > 0) WEIR_TRY(record(entry.text(item.actor), reply, context));
    if (own != nullptr) own->replies.push_back(std::move(reply));
  }
  if (worked_) sys_.digests().worked();
  return {};
}

// The one in scratch_.
Result<std::string> ApplierCore::apply_operation(StateMachine& machine, ApplyContext& context) {
  const bool about_digests =
      &machine == &sys_ && (scratch_.name == "sys.checkpoint" || scratch_.name == "sys.digest");
  if (about_digests && scratch_.name == "sys.checkpoint") {
    // What machines remember goes into the tables first: these are equal only as a whole.
    for (StateMachine* each : machines_) each->before_commit(db_);
  }
  auto reply = machine.apply(scratch_, json::View(scratch_.body), context);
  if (about_digests) return reply;
  worked_ = true;
  auto& trail = sys_.digests().trail();
  reply ? trail.mix(std::uint64_t{1}) : trail.mix(reply.error().reason);
  return reply;
}

// Of the operation in scratch_: for the audit log, if there is one.
Result<void> ApplierCore::record(std::string_view actor, const Result<std::string>& outcome,
                                 ApplyContext& context) {
  StateMachine* audit = machine_of("audit.record");
  if (audit == nullptr) return {};
  scratch_.actor.assign(actor);
  const Operation operation = audit_record(scratch_, outcome);
  scratch_.actor.clear();
  auto recorded = audit->apply(operation, json::View(operation.body), context);
  if (!recorded) return std::move(recorded).error();
  return {};
}

StateMachine* ApplierCore::machine_of(std::string_view operation) const {
  const auto prefix = operation.substr(0, operation.find('.'));
  for (StateMachine* machine : machines_) {
    if (machine->prefix() == prefix) return machine;
  }
  return nullptr;
}

}  // namespace weir::replica
