// DigestBook: finds out whether replicas that applied the same log hold the same state. Part of
// SysMachine, which keeps it with the position.
//
// Applying mixes what it does into the trail: outcomes of operations, changes of jobs, effects,
// deliveries. At a checkpoint, an operation in the log, every replica closes its trail, adds the
// running digest of the log and some of the rows of its tables (TableWalk), notes the result, and
// begins anew. Then each tells the others what it got, by an operation too, and each compares.
//
// A replica whose digest fewer replicas have than another one is wrong. When as many have the one
// as the other, that of who asked for the checkpoint counts; that is decided at the next
// checkpoint, when all have said what they had, and only by who took part: a replica that is built
// anew and reads of it later may be the one that is right. Digests are compared only where the same
// version applied everything since the checkpoint before (`format`): a newer one may do more.
//
// Operations (of SysMachine):
//   sys.checkpoint {"by":node,"rows":n}: closes the trail; looks at the next n rows.
//   sys.digest {"node":id,"at":r,"format":f,"digest":d}: what a node has at checkpoint r. Unknown
//     checkpoints change nothing.
// Tables: sys_digest (one row), sys_checkpoints, sys_votes. What is judged is of this node and not
// part of the state. Threads: as StateMachine.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "pkg/replica/state_machine.hpp"
#include "pkg/replica/table_walk.hpp"

namespace weir::replica {

// What a node has to do about its digest, and what it knows of the others (DigestCore, Health).
struct DigestNews {
  Revision checkpoint = 0;       // the newest; 0: none yet
  std::uint64_t work = 0;        // entries since then, but for those about digests
  bool disputed = false;         // some differ there
  std::optional<Operation> own;  // sys.digest of this node, when the log does not have it yet
  std::string differing;         // nodes that have another digest than this one, which is right
};

class DigestBook {
 public:
  // `version` of this program: digests of another are not compared.
  DigestBook(std::string node, const std::string& version);

  static constexpr std::string_view kSchema = R"sql(
  CREATE TABLE sys_digest(
    id INTEGER PRIMARY KEY CHECK(id=1), trail INTEGER NOT NULL, work INTEGER NOT NULL,
    format TEXT, walk_table TEXT NOT NULL, walk_key TEXT NOT NULL, diverged TEXT);
  INSERT INTO sys_digest VALUES(1,1,0,NULL,'','[]',NULL);
  CREATE TABLE sys_checkpoints(
    revision INTEGER PRIMARY KEY, proposer TEXT NOT NULL, format TEXT NOT NULL,
    digest TEXT NOT NULL);
  CREATE TABLE sys_votes(
    revision INTEGER NOT NULL, node TEXT NOT NULL, format TEXT NOT NULL, digest TEXT NOT NULL,
    PRIMARY KEY(revision, node)) WITHOUT ROWID;
)sql";

  void open(sqlite::Database& db);  // again after a rolled back transaction

  StateDigest& trail() { return trail_; }
  void worked() { ++news_.work; }

  // Inside the entry's transaction, after all machines have written what they remember.
  // `log_digest`: of all entries so far.
  Result<std::string> checkpoint(json::View body, Revision revision, std::string_view log_digest,
                                 sqlite::Database& db);
  // `ours`: this very process says it.
  Result<std::string> vote(json::View body, bool ours, sqlite::Database& db);
  void before_commit(sqlite::Database& db);

  // Why this replica is wrong: conflict / state_diverged. Stays, also over restarts.
  const std::optional<Error>& diverged() const { return diverged_; }
  const DigestNews& news() const { return news_; }

 private:
  struct Vote {
    std::string node;
    std::string format;
    std::string digest;
  };
  struct Checkpoint {
    Revision revision = 0;
    std::string by;
    std::string format;  // empty: not one version alone, so it is compared with none
    std::string digest;
    std::vector<Vote> votes;
    bool ours = false;  // this process took part
  };

  Checkpoint* find(Revision revision);
  void judge();
  std::vector<std::string> judge(const Checkpoint& checkpoint, bool settled);  // who differ
  Operation own_vote(const Checkpoint& checkpoint) const;

  const std::string node_;
  const std::string format_;
  TableWalk walk_;
  StateDigest trail_;
  std::string trail_format_;   // of the version that made all of the trail; empty: of several
  bool write_format_ = false;  // the table has another
  TableWalk::Place place_;
  std::deque<Checkpoint> checkpoints_;  // the newest
  DigestNews news_;
  std::optional<Error> diverged_;
};

}  // namespace weir::replica
