#include "pkg/metrics/registry.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

namespace weir::metrics {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Registry, RendersACounterWithHelpTypeAndLabels) {
  Registry registry;
  registry.counter("weir_x_total", "Things.", {"route", "code"}).with({"/v1/jobs", "201"}).add(3);
  EXPECT_EQ(registry.render(),
            "# HELP weir_x_total Things.\n# TYPE weir_x_total counter\n"
            "weir_x_total{route=\"/v1/jobs\",code=\"201\"} 3\n");
}

TEST(Registry, EscapesHelpAndLabelValues) {
  Registry registry;
  registry.gauge("weir_g", "Back\\slash\nand \"quote\".", {"queue"}).with({"a\"b\\c\nd"}).set(-1.5);
  const auto page = registry.render();
  EXPECT_THAT(page, HasSubstr("# HELP weir_g Back\\\\slash\\nand \"quote\"."));
  EXPECT_THAT(page, HasSubstr("weir_g{queue=\"a\\\"b\\\\c\\nd\"} -1.5\n"));
}

TEST(Registry, AHistogramIsCumulativeAndAddsUp) {
  Registry registry;
  const std::vector<double> bounds{0.1, 1};
  auto& histogram = registry.histogram("weir_h_seconds", "Time.", bounds).with({});
  for (const double value : {0.05, 0.1, 0.5, 7.0}) histogram.observe(value);
  const auto page = registry.render();
  EXPECT_THAT(page, HasSubstr("weir_h_seconds_bucket{le=\"0.1\"} 2\n"));
  EXPECT_THAT(page, HasSubstr("weir_h_seconds_bucket{le=\"1\"} 3\n"));
  EXPECT_THAT(page, HasSubstr("weir_h_seconds_bucket{le=\"+Inf\"} 4\n"));
  EXPECT_THAT(page, HasSubstr("weir_h_seconds_sum 7.65\n"));
  EXPECT_THAT(page, HasSubstr("weir_h_seconds_count 4\n"));
}

TEST(Registry, TheSameNameGivesTheSameFamily) {
  Registry registry;
  auto& first = registry.counter("weir_x_total", "Things.").with({});
  auto& again = registry.counter("weir_x_total", "Things.").with({});
  EXPECT_EQ(&first, &again);
}

TEST(Registry, LabelSetsAreBounded) {
  Registry registry;
  auto& family = registry.counter("weir_q_total", "Per queue.", {"queue"});
  for (std::size_t i = 0; i < kMaxSeries + 50; ++i) family.with({"q" + std::to_string(i)}).add();
  const auto page = registry.render();
  EXPECT_THAT(page, HasSubstr("weir_q_total{queue=\"_other\"} 50\n"));
  EXPECT_THAT(page, Not(HasSubstr("\"q" + std::to_string(kMaxSeries) + "\"")));
  EXPECT_THAT(page, HasSubstr("weir_q_total{queue=\"q0\"} 1\n"));
}

TEST(Registry, CollectorsRunAtEachRenderUntilDropped) {
  Registry registry;
  int value = 0;
  auto handle = registry.add_collector(
      [&](Page& page) { page.single("weir_live", "Now.", Page::Type::gauge, ++value); });
  EXPECT_THAT(registry.render(), HasSubstr("weir_live 1\n"));
  EXPECT_THAT(registry.render(), HasSubstr("weir_live 2\n"));
  handle.reset();
  EXPECT_EQ(registry.render(), "");
}

TEST(Registry, CountsFromManyThreads) {
  Registry registry;
  auto& family = registry.counter("weir_t_total", "Threads.", {"who"});
  auto& histogram = registry.histogram("weir_t_seconds", "T.", latency_buckets()).with({});
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 1000; ++i) {
          family.with({"all"}).add();
          histogram.observe(0.001);
          if (i % 100 == 0) {
            EXPECT_FALSE(registry.render().empty());
          }
        }
      });
    }
  }
  EXPECT_EQ(family.with({"all"}).value(), 4000U);
  EXPECT_THAT(registry.render(), HasSubstr("weir_t_seconds_count 4000\n"));
}

TEST(Registry, PromtoolAcceptsThePage) {
  if (std::system("command -v promtool >/dev/null 2>&1") != 0) GTEST_SKIP() << "no promtool here";
  Registry registry;
  registry.counter("weir_odd_total", "A.", {"x"}).with({"\"\\\n"}).add();
  registry.gauge("weir_disk_bytes", "B.").with({}).set(1e300);
  registry.histogram("weir_wait_seconds", "C.", latency_buckets(), {"route"})
      .with({"/"})
      .observe(2);
  const auto path = std::filesystem::temp_directory_path() /
                    ("weir_metrics_" + std::to_string(::getpid()) + ".txt");
  { std::ofstream(path) << registry.render(); }
  const int status = std::system(("promtool check metrics < " + path.string()).c_str());
  std::filesystem::remove(path);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace weir::metrics
