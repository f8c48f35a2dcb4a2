#include "pkg/metrics/registry.hpp"

#include <charconv>
#include <cmath>

#include "pkg/base/assert.hpp"

namespace weir::metrics {
namespace {

constexpr std::string_view kOther = "_other";

bool is_metric_name(std::string_view name) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!letter && !(c >= '0' && c <= '9') && c != '_' && c != ':') return false;
  }
  return true;
}

// The text format escapes \ and newline, and in label values also the quote.
void append_escaped(std::string& out, std::string_view text, bool label_value) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && label_value) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

void append_number(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else {
    // 0.0001 rather than 1e-04, where that is short.
    const double size = std::abs(value);
    const bool plain = size == 0 || (size >= 1e-7 && size < 1e16);
    char buffer[64];
    const auto result =
        std::to_chars(buffer, buffer + sizeof buffer, value,
                      plain ? std::chars_format::fixed : std::chars_format::general);
    out.append(buffer, result.ptr);
  }
}

std::string number_text(double value) {
  std::string out;
  append_number(out, value);
  return out;
}

std::string_view type_name(Page::Type type) {
  switch (type) {
    case Page::Type::counter:
      return "counter";
    case Page::Type::gauge:
      return "gauge";
    case Page::Type::histogram:
      return "histogram";
  }
  return "untyped";
}

void render_one(Page& page, const Page::Labels& labels, const Counter& counter) {
  page.sample(labels, static_cast<double>(counter.value()));
}

void render_one(Page& page, const Page::Labels& labels, const Gauge& gauge) {
  page.sample(labels, gauge.value());
}

// Buckets are cumulative on the page. The count is the sum of the buckets that were read, so the
// series agrees with itself while others observe.
void render_one(Page& page, const Page::Labels& labels, const Histogram& histogram) {
  const auto bounds = histogram.bounds();
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i <= bounds.size(); ++i) {
    seen += histogram.bucket(i);
    const std::string le = i < bounds.size() ? number_text(bounds[i]) : "+Inf";
    Page::Labels with_bound = labels;
    with_bound.emplace_back("le", le);
    page.sample(with_bound, static_cast<double>(seen), "_bucket");
  }
  page.sample(labels, histogram.sum(), "_sum");
  page.sample(labels, static_cast<double>(seen), "_count");
}

Page::Type type_of(const Counter*) {
  return Page::Type::counter;
}
Page::Type type_of(const Gauge*) {
  return Page::Type::gauge;
}
Page::Type type_of(const Histogram*) {
  return Page::Type::histogram;
}

}  // namespace

void Page::begin(std::string_view name, std::string_view help, Type type) {
  name_ = name;
  out_.append("# HELP ").append(name).append(" ");
  append_escaped(out_, help, false);
  out_.append("\n# TYPE ").append(name).append(" ").append(type_name(type)).append("\n");
}

void Page::sample(const Labels& labels, double value, std::string_view suffix) {
  out_.append(name_).append(suffix);
  if (!labels.empty()) {
    char separator = '{';
    for (const auto& [name, text] : labels) {
      out_ += separator;
      out_.append(name).append("=\"");
      append_escaped(out_, text, true);
      out_ += '"';
      separator = ',';
    }
    out_ += '}';
  }
  out_ += ' ';
  append_number(out_, value);
  out_ += '\n';
}

void Page::single(std::string_view name, std::string_view help, Type type, double value) {
  begin(name, help, type);
  sample({}, value);
}

template <class Metric>
Metric& Family<Metric>::with(const std::vector<std::string>& values) {
  WEIR_ASSERT(values.size() == labels_.size());
  const std::lock_guard lock(mutex_);
  auto found = series_.find(values);
  if (found == series_.end()) {
    const bool full = series_.size() >= kMaxSeries && !labels_.empty();
    const std::vector<std::string> key =
        full ? std::vector<std::string>(labels_.size(), std::string(kOther)) : values;
    found = series_.find(key);
    if (found == series_.end()) found = series_.emplace(key, make_()).first;
  }
  return *found->second;
}

template <class Metric>
void Family<Metric>::render(Page& page) const {
  page.begin(name_, help_, type_of(static_cast<const Metric*>(nullptr)));
  const std::lock_guard lock(mutex_);
  for (const auto& [values, metric] : series_) {
    Page::Labels labels;
    for (std::size_t i = 0; i < labels_.size(); ++i) labels.emplace_back(labels_[i], values[i]);
    render_one(page, labels, *metric);
  }
}

template class Family<Counter>;
template class Family<Gauge>;
template class Family<Histogram>;

Family<Counter>& Registry::counter(const std::string& name, const std::string& help,
                                   std::vector<std::string> labels) {
  WEIR_ASSERT(is_metric_name(name) && name.ends_with("_total"));
  const std::lock_guard lock(mutex_);
  auto& entry = families_[name];
  WEIR_ASSERT(!entry.gauge && !entry.histogram);
  if (!entry.counter) {
    entry.counter = std::make_unique<Family<Counter>>(name, help, std::move(labels),
                                                      [] { return std::make_unique<Counter>(); });
  }
  return *entry.counter;
}

Family<Gauge>& Registry::gauge(const std::string& name, const std::string& help,
                               std::vector<std::string> labels) {
  WEIR_ASSERT(is_metric_name(name));
  const std::lock_guard lock(mutex_);
  auto& entry = families_[name];
  WEIR_ASSERT(!entry.counter && !entry.histogram);
  if (!entry.gauge) {
    entry.gauge = std::make_unique<Family<Gauge>>(name, help, std::move(labels),
                                                  [] { return std::make_unique<Gauge>(); });
  }
  return *entry.gauge;
}

Family<Histogram>& Registry::histogram(const std::string& name, const std::string& help,
                                       std::span<const double> bounds,
                                       std::vector<std::string> labels) {
  WEIR_ASSERT(is_metric_name(name));
  const std::lock_guard lock(mutex_);
  auto& entry = families_[name];
  WEIR_ASSERT(!entry.counter && !entry.gauge);
  if (!entry.histogram) {
    const std::vector<double> copy(bounds.begin(), bounds.end());
    entry.histogram = std::make_unique<Family<Histogram>>(
        name, help, std::move(labels), [copy] { return std::make_unique<Histogram>(copy); });
  }
  return *entry.histogram;
}

std::shared_ptr<void> Registry::add_collector(std::function<void(Page&)> collector) {
  const std::lock_guard lock(collectors_mutex_);
  const auto id = ++last_collector_;
  collectors_.emplace(id, std::move(collector));
  return {this, [id](Registry* self) {
            const std::lock_guard inner(self->collectors_mutex_);
            self->collectors_.erase(id);
          }};
}

std::string Registry::render() const {
  Page page;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, entry] : families_) {
      if (entry.counter) entry.counter->render(page);
      if (entry.gauge) entry.gauge->render(page);
      if (entry.histogram) entry.histogram->render(page);
    }
  }
  const std::lock_guard lock(collectors_mutex_);
  for (const auto& [id, collector] : collectors_) collector(page);
  return page.take();
}

}  // namespace weir::metrics
