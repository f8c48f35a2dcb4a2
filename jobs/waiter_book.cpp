#include "jobs/waiter_book.hpp"

#include <algorithm>

#include "jobs/target.hpp"
#include "pkg/json/writer.hpp"

namespace weir::jobs {
namespace {

template <typename Map, typename Key>
void leave(Map& map, const Key& key, std::int64_t seq) {
  const auto found = map.find(key);
  if (found == map.end()) return;
  found->second.erase(seq);
  if (found->second.empty()) map.erase(found);
}

}  // namespace

LeaseCall parse_lease_call(json::View text) {
  LeaseCall call;
  for (const auto& member : text.members()) {
    if (member.raw_key == "worker") {
      call.worker = member.value.as_string().value_or("");
    } else if (member.raw_key == "queues") {
      for (const auto queue : member.value.elements()) {
        call.queues.push_back(queue.as_string().value_or(""));
      }
    } else if (member.raw_key == "types") {
      for (const auto type : member.value.elements()) {
        call.types.push_back(type.as_string().value_or(""));
      }
    } else if (member.raw_key == "labels") {
      call.labels = member.value.raw();
    } else if (member.raw_key == "max") {
      call.max = member.value.as_int().value_or(1);
    } else if (member.raw_key == "lease_ms") {
      call.lease_ms = member.value.as_int().value_or(0);
    } else if (member.raw_key == "salt") {
      call.salt = static_cast<std::uint64_t>(member.value.as_int().value_or(0));
    }
  }
  return call;
}

std::string format_lease_call(const LeaseCall& call) {
  json::Writer out(256);
  out.begin_object().member("worker", call.worker).key("queues").begin_array();
  for (const auto& queue : call.queues) out.value(queue);
  out.end_array();
  if (!call.types.empty()) {
    out.key("types").begin_array();
    for (const auto& type : call.types) out.value(type);
    out.end_array();
  }
  if (!call.labels.empty()) out.raw_member("labels", call.labels);
  out.member("max", call.max);
  if (call.lease_ms > 0) out.member("lease_ms", call.lease_ms);
  out.member("salt", static_cast<std::int64_t>(call.salt)).end_object();
  return out.take();
}

void WaiterBook::load(sqlite::Database& db) {
  by_seq_.clear();
  by_queue_.clear();
  by_name_.clear();
  by_until_.clear();
  auto rows = db.prepare("SELECT seq,node,waiter,until,request FROM job_waiters ORDER BY seq");
  while (rows.step()) {
    index(Waiter{rows.int64(0), std::string(rows.text(1)), std::string(rows.text(2)), rows.int64(3),
                 parse_lease_call(json::View(rows.text(4)))});
  }
}

void WaiterBook::add(sqlite::Database& db, Waiter waiter) {
  close(db, waiter.node, waiter.id);
  db.prepare("INSERT INTO job_waiters(node,waiter,until,request) VALUES(?1,?2,?3,?4)")
      .bind_all(waiter.node, waiter.id, waiter.until, format_lease_call(waiter.call))
      .run();
  waiter.seq = db.last_insert_rowid();
  index(std::move(waiter));
}

void WaiterBook::index(Waiter waiter) {
  const auto seq = waiter.seq;
  for (const auto& queue : waiter.call.queues) {
    Line& line = by_queue_[queue];
    line.by_wish[wish_of(waiter.call)].insert(seq);
    line.by_worker[waiter.call.worker].insert(seq);
  }
  by_name_.emplace(std::pair{waiter.node, waiter.id}, seq);
  by_until_.emplace(waiter.until, seq);
  by_seq_.emplace(seq, std::move(waiter));
}

void WaiterBook::close(sqlite::Database& db, std::string_view node, std::string_view id) {
  const auto found = by_name_.find(std::pair{std::string(node), std::string(id)});
  if (found != by_name_.end()) remove(db, found->second);
}

void WaiterBook::close_node(sqlite::Database& db, std::string_view node) {
  std::vector<std::int64_t> seqs;
  for (auto at = by_name_.lower_bound(std::pair{std::string(node), std::string()});
       at != by_name_.end() && at->first.first == node; ++at) {
    seqs.push_back(at->second);
  }
  for (const auto seq : seqs) remove(db, seq);
}

const Waiter* WaiterBook::first(sqlite::Database& db, std::string_view queue, std::int64_t now,
                                const std::set<Wish>& without) {
  while (true) {
    const auto found = by_queue_.find(queue);
    if (found == by_queue_.end()) return nullptr;
    std::optional<std::int64_t> seq;
    for (const auto& [wish, seqs] : found->second.by_wish) {
      if (without.contains(wish)) continue;
      seq = seq ? std::min(*seq, *seqs.begin()) : *seqs.begin();
    }
    if (!seq) return nullptr;
    const Waiter& waiter = by_seq_.at(*seq);
    if (waiter.until > now) return &waiter;
    remove(db, *seq);
  }
}

std::set<std::int64_t> WaiterBook::named(std::string_view queue, const Targets& targets) const {
  std::set<std::int64_t> out;
  const auto found = by_queue_.find(queue);
  if (found == by_queue_.end()) return out;
  const auto& by_worker = found->second.by_worker;
  if (by_worker.size() < targets.size()) {
    for (const auto& [worker, seqs] : by_worker) {
      if (!targets.contains(std::string(kHostTarget).append(worker))) continue;
      out.insert(seqs.begin(), seqs.end());
    }
    return out;
  }
  for (const auto& [target, count] : targets) {
    if (!target.starts_with(kHostTarget)) continue;
    const auto line = by_worker.find(std::string_view(target).substr(kHostTarget.size()));
    if (line != by_worker.end()) out.insert(line->second.begin(), line->second.end());
  }
  return out;
}

std::vector<std::int64_t> WaiterBook::of_worker(std::string_view worker) const {
  std::vector<std::int64_t> out;
  for (const auto& [seq, waiter] : by_seq_) {
    if (waiter.call.worker == worker) out.push_back(seq);
  }
  return out;
}

const Waiter* WaiterBook::find(std::int64_t seq) const {
  const auto found = by_seq_.find(seq);
  return found == by_seq_.end() ? nullptr : &found->second;
}

std::vector<std::string> WaiterBook::queues() const {
  std::vector<std::string> out;
  out.reserve(by_queue_.size());
  for (const auto& [name, waiters] : by_queue_) out.push_back(name);
  return out;
}

void WaiterBook::remove(sqlite::Database& db, std::int64_t seq) {
  const auto found = by_seq_.find(seq);
  if (found == by_seq_.end()) return;
  const Waiter& waiter = found->second;
  db.prepare("DELETE FROM job_waiters WHERE seq=?1").bind_all(seq).run();
  for (const auto& queue : waiter.call.queues) {
    const auto line = by_queue_.find(queue);
    if (line == by_queue_.end()) continue;  // a queue that was named twice
    leave(line->second.by_wish, wish_of(waiter.call), seq);
    leave(line->second.by_worker, waiter.call.worker, seq);
    if (line->second.by_wish.empty()) by_queue_.erase(line);
  }
  by_name_.erase(std::pair{waiter.node, waiter.id});
  by_until_.erase({waiter.until, seq});
  by_seq_.erase(found);
}

std::int64_t WaiterBook::drop_expired(sqlite::Database& db, std::int64_t now, std::int64_t limit) {
  std::int64_t dropped = 0;
  while (dropped < limit && !by_until_.empty() && by_until_.begin()->first <= now) {
    remove(db, by_until_.begin()->second);
    ++dropped;
  }
  return dropped;
}

std::optional<std::int64_t> WaiterBook::next_expiry() const {
  if (by_until_.empty()) return std::nullopt;
  return by_until_.begin()->first;
}

}  // namespace weir::jobs
