// metrics::Registry: owns every metric of the process and renders them in the Prometheus text
// format (version 0.0.4), so that `promtool check metrics` accepts the page.
//
//   auto& requests = registry.counter("weir_http_requests_total", "HTTP requests answered.",
//                                     {"route", "code"});
//   requests.with({"/v1/jobs", "201"}).add();
//
// with() locks; callers of hot paths keep the reference. Values that live elsewhere (job counts,
// replica health) come from collectors, called at each render.
//
// Label values are bounded: a family holds at most kMaxSeries label sets, later ones all land in
// one series whose label values are "_other". Thread-safe; references stay valid until the registry
// dies.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/metrics/metric.hpp"

namespace weir::metrics {

inline constexpr std::size_t kMaxSeries = 500;

// What a page consists of; collectors write to it. Samples of one family must follow its begin().
class Page {
 public:
  enum class Type { counter, gauge, histogram };
  using Labels = std::vector<std::pair<std::string_view, std::string_view>>;

  void begin(std::string_view name, std::string_view help, Type type);
  // `suffix` is appended to the family's name: "_bucket", "_sum", "_count" of a histogram.
  void sample(const Labels& labels, double value, std::string_view suffix = {});
  // A family with one sample and no labels.
  void single(std::string_view name, std::string_view help, Type type, double value);

  std::string take() { return std::move(out_); }

 private:
  std::string out_;
  std::string name_;
};

// The label sets of one metric name.
template <class Metric>
class Family {
 public:
  using Factory = std::function<std::unique_ptr<Metric>()>;
  Family(std::string name, std::string help, std::vector<std::string> labels, Factory make)
      : name_(std::move(name)),
        help_(std::move(help)),
        labels_(std::move(labels)),
        make_(std::move(make)) {}

  // The metric of these label values, one per label name, created when new.
  Metric& with(const std::vector<std::string>& values);

 private:
  friend class Registry;
  void render(Page& page) const;

  const std::string name_;
  const std::string help_;
  const std::vector<std::string> labels_;
  const Factory make_;
  mutable std::mutex mutex_;
  std::map<std::vector<std::string>, std::unique_ptr<Metric>> series_;
};

class Registry {
 public:
  // The family of that name, made when new. The name must match [a-zA-Z_:][a-zA-Z0-9_:]*, a
  // counter's ends in _total; asking again with another kind is a programmer error.
  Family<Counter>& counter(const std::string& name, const std::string& help,
                           std::vector<std::string> labels = {});
  Family<Gauge>& gauge(const std::string& name, const std::string& help,
                       std::vector<std::string> labels = {});
  Family<Histogram>& histogram(const std::string& name, const std::string& help,
                               std::span<const double> bounds,
                               std::vector<std::string> labels = {});

  // Called at each render(), after the owned families, until the returned handle dies (which waits
  // for a running call). Must neither register metrics nor add or drop collectors. The registry
  // must outlive the handle.
  [[nodiscard]] std::shared_ptr<void> add_collector(std::function<void(Page&)> collector);

  std::string render() const;

 private:
  struct Entry {
    std::unique_ptr<Family<Counter>> counter;
    std::unique_ptr<Family<Gauge>> gauge;
    std::unique_ptr<Family<Histogram>> histogram;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Entry> families_;
  mutable std::mutex collectors_mutex_;  // held while they run
  std::map<std::uint64_t, std::function<void(Page&)>> collectors_;
  std::uint64_t last_collector_ = 0;
};

// The Content-Type of a rendered page.
inline constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace weir::metrics
