// Harness: one job machine on a database of its own, driven as the applier drives it: operations
// in, replies, deliveries and effects out, time by hand.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "jobs/machine.hpp"
#include "jobs/queries.hpp"
#include "jobs/requests.hpp"

namespace weir::jobs {

struct Delivery {
  std::string node;
  std::string waiter;
  std::string json;
};

class Harness : private replica::Outbound {
 public:
  explicit Harness(const std::string& path = ":memory:");

  // --- applying ---
  Result<std::string> apply(const replica::Operation& operation);
  std::string must(const Result<replica::Operation>& operation);  // applies; must succeed
  Error refused(const Result<replica::Operation>& operation);     // applies; must be an error
  // Several operations in one transaction.
  std::vector<Result<std::string>> apply_all(const std::vector<replica::Operation>& operations);
  std::string tick() { return apply({"jobs.tick", "{}"}).value(); }
  void advance(Millis by) { clock.advance(by); }
  // The same, while nothing could be written: the next operations are told of it.
  void stand_still(Millis by) {
    clock.advance(by);
    gap_ = by;
  }
  // A new machine on the same tables, as after a restart.
  void restart();

  // --- shorthands ---
  std::string submit(std::string_view json);  // the id
  // The leased jobs (valid until the next call); `more` are further members: ",\"max\":2".
  std::vector<json::View> lease(std::string_view queues = "q", std::string_view more = "");
  std::string lease_one(std::string_view queue = "q");  // the token; empty when nothing is ready
  bool park(std::string_view waiter, std::string_view queues = "q", std::string_view more = "",
            std::string_view node = "n1");  // false: leased at once
  std::string work(std::string_view json);  // the reply
  void complete(std::string_view token) { must(requests.complete(token, json::View())); }
  void fail(std::string_view token, std::string_view body = "{}") {
    must(requests.fail(token, json::View(body)));
  }

  // --- looking ---
  std::string read(const std::function<Result<std::string>(sqlite::Database&)>& body);
  std::string job(std::string_view id);  // GET /v1/jobs/{id}
  std::string status(std::string_view id);
  std::string member(std::string_view id, std::string_view name);  // raw JSON
  std::int64_t count(Status status) { return machine->stats().counts()[index_of(status)]; }
  std::int64_t total(Total total) {
    return machine->stats().totals()[static_cast<std::size_t>(total)];
  }
  std::int64_t number(std::string_view sql);  // the first column of the first row, or -1
  std::string dump();                         // every table, row by row
  // The counters are what counting the rows gives.
  void expect_counts_true();

  ManualClock clock;
  SeededRandom random{1};
  UuidGenerator ids{clock, random};
  Requests requests{ids, random, {}};
  std::unique_ptr<sqlite::Database> db;
  std::unique_ptr<Machine> machine;
  std::vector<Delivery> deliveries;
  std::vector<std::string> touched;
  std::vector<replica::Effect> effects;
  std::vector<std::string> published;  // while `listens`
  bool listens = false;
  replica::Revision revision = 0;

 private:
  void deliver(std::string_view node, std::string_view waiter, std::string json) override {
    deliveries.push_back({std::string(node), std::string(waiter), std::move(json)});
  }
  void touch(std::string_view key) override { touched.emplace_back(key); }
  bool anyone_watches() const override { return true; }
  void publish(std::string json) override { published.push_back(std::move(json)); }
  bool anyone_listens() const override { return listens; }

  Millis gap_{0};
  std::string reply_;  // what the views of lease() stand on
};

// A member's text: string content, or raw JSON of anything else.
std::string text(json::View value);
std::string text(std::string_view json, std::string_view name);
// The elements of an array member; they point into `json`.
std::vector<json::View> list(std::string_view json, std::string_view name);

// The ids of leased jobs.
std::vector<std::string> ids_of(const std::vector<json::View>& jobs);

// A job with an id; `more` are further members: ",\"priority\":9".
void submit(Harness& h, std::string_view id, std::string_view queue = "q",
            std::string_view more = "");
// The same for queue q, as the body of a request.
std::string plain(std::string_view id, std::string_view more = "");
// Puts one job of queue q among the dead letters; nothing else may be ready there.
void make_dead(Harness& h, std::string_view id);

}  // namespace weir::jobs
