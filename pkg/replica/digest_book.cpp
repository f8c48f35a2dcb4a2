#include "pkg/replica/digest_book.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>

#include "pkg/json/writer.hpp"

namespace weir::replica {
namespace {

// Changes when the trail is made in another way.
constexpr std::string_view kAlgorithm = "1/";
constexpr std::uint64_t kTrailBegin = 1;  // of nothing; zeros change what is not zero
constexpr std::size_t kKept = 4;          // checkpoints
constexpr std::size_t kReported = 2;      // of the newest, in which others are told to differ
constexpr std::int64_t kMostRows = 10'000;

std::string hex(std::uint64_t value) {
  std::array<char, 16> digits{};
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit, value >>= 4U) {
    *digit = "0123456789abcdef"[value & 15U];
  }
  return {digits.begin(), digits.end()};
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

Error divergence(std::string details) {
  return Error{Code::conflict, "state_diverged",
               "The state of this coordinator differs from that of the others", std::move(details)};
}

std::string why(Revision revision, const std::string& here, const std::string& others,
                const std::string& there) {
  return "at revision " + std::to_string(revision) + " it has " + here + ", " + others + " has " +
         there +
         "; stop it, remove its database (*.db, *.db-wal and *.db-shm, but not *.outbox.db) and "
         "start it again: it begins with the newest snapshot and applies the log after it";
}

std::string json_of(const std::vector<std::string>& texts) {
  json::Writer out;
  out.begin_array();
  for (const auto& text : texts) out.value(text);
  out.end_array();
  return out.take();
}

std::vector<std::string> texts_of(std::string_view json) {
  std::vector<std::string> out;
  for (const auto text : json::View(json).elements()) out.push_back(text.as_string().value_or(""));
  return out;
}

}  // namespace

DigestBook::DigestBook(std::string node, const std::string& version)
    : node_(std::move(node)), format_(std::string(kAlgorithm) + version) {}

void DigestBook::open(sqlite::Database& db) {
  news_ = {};
  checkpoints_.clear();
  diverged_.reset();
  {
    auto row = db.prepare("SELECT trail,work,format,walk_table,walk_key,diverged FROM sys_digest");
    row.step();
    if (!row.is_null(5)) diverged_ = divergence(std::string(row.text(5)));
    trail_ = StateDigest(static_cast<std::uint64_t>(row.int64(0)));
    news_.work = static_cast<std::uint64_t>(row.int64(1));
    const bool same = row.is_null(2) || row.text(2) == format_;
    trail_format_ = same ? format_ : "";
    write_format_ = row.is_null(2) || row.text(2) != trail_format_;
    place_ = {std::string(row.text(3)), texts_of(row.text(4))};
  }
  {
    auto rows =
        db.prepare("SELECT revision,proposer,format,digest FROM sys_checkpoints ORDER BY revision");
    while (rows.step()) {
      checkpoints_.push_back({static_cast<Revision>(rows.int64(0)),
                              std::string(rows.text(1)),
                              std::string(rows.text(2)),
                              std::string(rows.text(3)),
                              {}});
    }
  }
  auto rows = db.prepare("SELECT revision,node,format,digest FROM sys_votes");
  while (rows.step()) {
    if (Checkpoint* checkpoint = find(static_cast<Revision>(rows.int64(0)))) {
      checkpoint->votes.push_back(
          {std::string(rows.text(1)), std::string(rows.text(2)), std::string(rows.text(3))});
    }
  }
  judge();
}

DigestBook::Checkpoint* DigestBook::find(Revision revision) {
  const auto found =
      std::find_if(checkpoints_.begin(), checkpoints_.end(),
                   [&](const Checkpoint& known) { return known.revision == revision; });
  return found == checkpoints_.end() ? nullptr : &*found;
}

Result<std::string> DigestBook::checkpoint(json::View body, Revision revision,
                                           std::string_view log_digest, sqlite::Database& db) {
  const auto by = body.find("by").as_string();
  const auto rows = body.find("rows").as_int();
  if (!by || !rows || *rows < 0 || *rows > kMostRows) {
    return Error{Code::invalid, "invalid_request", "by and rows are needed", ""};
  }
  trail_.mix(log_digest);
  if (*rows > 0) place_ = walk_.step(place_, static_cast<std::uint64_t>(*rows), db, trail_);
  checkpoints_.push_back({revision, *by, trail_format_, hex(trail_.value()), {}, false});
  const auto& made = checkpoints_.back();
  db.prepare("INSERT INTO sys_checkpoints VALUES(?1,?2,?3,?4)")
      .bind_all(static_cast<std::int64_t>(revision), made.by, made.format, made.digest)
      .run();
  if (checkpoints_.size() > kKept) {
    checkpoints_.pop_front();
    const auto first = static_cast<std::int64_t>(checkpoints_.front().revision);
    db.prepare("DELETE FROM sys_checkpoints WHERE revision<?1").bind_all(first).run();
    db.prepare("DELETE FROM sys_votes WHERE revision<?1").bind_all(first).run();
  }
  const auto key = json_of(place_.key);
  db.prepare("UPDATE sys_digest SET format=?1,walk_table=?2,walk_key=?3 WHERE id=1")
      .bind_all(format_, place_.table, key)
      .run();
  trail_ = StateDigest(kTrailBegin);
  trail_format_ = format_;
  write_format_ = false;
  news_.work = 0;
  judge();
  return std::string("{}");
}

Result<std::string> DigestBook::vote(json::View body, bool ours, sqlite::Database& db) {
  const auto node = body.find("node").as_string();
  const auto at = body.find("at").as_int();
  const auto format = body.find("format").as_string();
  const auto digest = body.find("digest").as_string();
  if (!node || !at || !format || !digest) {
    return Error{Code::invalid, "invalid_request", "node, at, format and digest are needed", ""};
  }
  Checkpoint* checkpoint = find(static_cast<Revision>(*at));
  if (checkpoint == nullptr) return std::string("{}");
  checkpoint->ours |= ours && *node == node_;
  std::erase_if(checkpoint->votes, [&](const Vote& vote) { return vote.node == *node; });
  checkpoint->votes.push_back({*node, *format, *digest});
  db.prepare("INSERT OR REPLACE INTO sys_votes VALUES(?1,?2,?3,?4)")
      .bind_all(*at, *node, *format, *digest)
      .run();
  judge();
  return std::string("{}");
}

void DigestBook::before_commit(sqlite::Database& db) {
  if (diverged_) {
    db.prepare("UPDATE sys_digest SET diverged=?1 WHERE id=1").bind_all(diverged_->details).run();
  }
  if (write_format_) {
    db.prepare("UPDATE sys_digest SET format=?1 WHERE id=1").bind_all(trail_format_).run();
    write_format_ = false;
  }
  db.prepare("UPDATE sys_digest SET trail=?1,work=?2 WHERE id=1")
      .bind_all(static_cast<std::int64_t>(trail_.value()), static_cast<std::int64_t>(news_.work))
      .run();
}

void DigestBook::judge() {
  news_.differing.clear();
  news_.disputed = false;
  news_.own.reset();
  if (checkpoints_.empty()) return;
  std::set<std::string> differing;
  for (std::size_t i = 0; i < checkpoints_.size(); ++i) {
    const std::size_t newer = checkpoints_.size() - 1 - i;
    const auto differ = judge(checkpoints_[i], newer > 0);
    if (newer == 0) news_.disputed = !differ.empty();
    if (newer < kReported) differing.insert(differ.begin(), differ.end());
  }
  if (!diverged_) news_.differing = joined({differing.begin(), differing.end()});
  const auto& newest = checkpoints_.back();
  news_.checkpoint = newest.revision;
  const bool told = std::any_of(newest.votes.begin(), newest.votes.end(), [&](const Vote& vote) {
    return vote.node == node_ && vote.format == newest.format && vote.digest == newest.digest;
  });
  if (!told && !newest.format.empty() && !diverged_) news_.own = own_vote(newest);
}

std::vector<std::string> DigestBook::judge(const Checkpoint& checkpoint, bool settled) {
  std::map<std::string, std::vector<std::string>> nodes;  // by digest
  nodes[checkpoint.digest].push_back(node_);
  std::string asked;  // the digest of who asked for the checkpoint
  std::vector<std::string> differ;
  for (const auto& vote : checkpoint.votes) {
    if (checkpoint.format.empty() || vote.format != checkpoint.format) continue;
    if (vote.node == node_) continue;
    nodes[vote.digest].push_back(vote.node);
    if (vote.node == checkpoint.by) asked = vote.digest;
    if (vote.digest != checkpoint.digest) differ.push_back(vote.node);
  }
  const std::size_t with_us = nodes[checkpoint.digest].size();
  for (const auto& [digest, names] : nodes) {
    if (digest == checkpoint.digest || diverged_) continue;
    const bool lost_the_tie =
        settled && checkpoint.ours && names.size() == with_us && asked == digest;
    // Not before our digest is in the log too: others learn from it who differs.
    const bool outvoted = names.size() > with_us && (checkpoint.ours || settled);
    if (outvoted || lost_the_tie) {
      diverged_ = divergence(why(checkpoint.revision, checkpoint.digest, joined(names), digest));
    }
  }
  return differ;
}

Operation DigestBook::own_vote(const Checkpoint& checkpoint) const {
  json::Writer body;
  body.begin_object()
      .member("node", node_)
      .member("at", checkpoint.revision)
      .member("format", checkpoint.format)
      .member("digest", checkpoint.digest)
      .end_object();
  return {"sys.digest", body.take()};
}

}  // namespace weir::replica
